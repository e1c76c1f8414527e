#include "textflag.h"

DATA	·firstCPU+0(SB)/8, $1
GLOBL	·firstCPU(SB), RODATA, $8

// entry: process 1 with three arguments or more fills them into earlySteps and
// forks the helper that takes these steps; they share a page, in which it tells
// how far it is. Then sched_setaffinity(0, 8, &firstCPU) and Go's own entry. The
// stack is as the kernel left it: argc, argv, nil, envp, nil.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0-0
	MOVQ	SP, ·atEntry(SB)
	MOVQ	$39, AX	// getpid
	SYSCALL
	CMPQ	AX, $1
	JNE	pin
	MOVQ	0(SP), CX	// argc
	CMPQ	CX, $4
	JLT	pin
	LEAQ	·earlySteps(SB), BX
	MOVQ	16(SP), AX
	MOVQ	AX, (2*48+8)(BX)	// mount: the device
	MOVQ	24(SP), AX
	MOVQ	AX, (2*48+24)(BX)	// mount: the type
	MOVQ	32(SP), AX
	MOVQ	AX, (5*48+8)(BX)	// execve: the program
	LEAQ	32(SP), AX
	MOVQ	AX, (5*48+16)(BX)	// execve: argv
	LEAQ	16(SP)(CX*8), AX
	MOVQ	AX, (5*48+24)(BX)	// execve: envp
	XORL	DI, DI
	MOVQ	$4096, SI
	MOVQ	$3, DX	// PROT_READ|PROT_WRITE
	MOVQ	$0x21, R10	// MAP_SHARED|MAP_ANONYMOUS
	MOVQ	$-1, R8
	XORL	R9, R9
	MOVQ	$9, AX	// mmap
	SYSCALL
	CMPQ	AX, $-4095
	JCC	pin
	MOVQ	AX, R12
	MOVQ	BX, 16(R12)	// steps
	MOVQ	$57, AX	// fork
	SYSCALL
	TESTQ	AX, AX
	JNZ	started
	JMP	·takeSteps(SB)
started:
	MOVQ	R12, ·earlyPlan(SB)
pin:
	XORL	DI, DI
	MOVQ	$8, SI
	LEAQ	·firstCPU(SB), DX
	MOVQ	$203, AX
	SYSCALL
	JMP	_rt0_amd64_linux(SB)
