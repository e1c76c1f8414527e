#include "textflag.h"

DATA	·firstCPU+0(SB)/8, $1
GLOBL	·firstCPU(SB), RODATA, $8

// entry: process 1 with three arguments or more fills them into earlySteps and
// forks the helper that takes these steps; they share a page, in which it tells
// how far it is. Then sched_setaffinity(0, 8, &firstCPU) and Go's own entry. The
// stack is as the kernel left it: argc, argv, nil, envp, nil.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0-0
	MOVD	RSP, R1
	MOVD	$·atEntry(SB), R2
	MOVD	R1, (R2)
	MOVD	$172, R8	// getpid
	SVC
	CMP	$1, R0
	BNE	pin
	MOVD	0(RSP), R1	// argc
	CMP	$4, R1
	BLT	pin
	MOVD	$·earlySteps(SB), R2
	MOVD	16(RSP), R3
	MOVD	R3, (2*48+8)(R2)	// mount: the device
	MOVD	24(RSP), R3
	MOVD	R3, (2*48+24)(R2)	// mount: the type
	MOVD	32(RSP), R3
	MOVD	R3, (5*48+8)(R2)	// execve: the program
	ADD	$32, RSP, R3
	MOVD	R3, (5*48+16)(R2)	// execve: argv
	ADD	$16, RSP, R3
	ADD	R1<<3, R3, R3
	MOVD	R3, (5*48+24)(R2)	// execve: envp
	MOVD	$0, R0
	MOVD	$4096, R1
	MOVD	$3, R2	// PROT_READ|PROT_WRITE
	MOVD	$0x21, R3	// MAP_SHARED|MAP_ANONYMOUS
	MOVD	$-1, R4
	MOVD	$0, R5
	MOVD	$222, R8	// mmap
	SVC
	CMN	$4095, R0
	BCS	pin
	MOVD	R0, R9
	MOVD	$·earlySteps(SB), R2
	MOVD	R2, 16(R9)	// steps
	MOVD	$17, R0	// SIGCHLD
	MOVD	$0, R1
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$0, R4
	MOVD	$220, R8	// clone
	SVC
	CBNZ	R0, started
	JMP	·takeSteps(SB)
started:
	MOVD	$·earlyPlan(SB), R1
	MOVD	R9, (R1)
pin:
	MOVD	$0, R0
	MOVD	$8, R1
	MOVD	$·firstCPU(SB), R2
	MOVD	$122, R8
	SVC
	JMP	_rt0_arm64_linux(SB)
