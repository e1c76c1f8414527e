#include "textflag.h"

DATA	·firstCPU+0(SB)/8, $1
GLOBL	·firstCPU(SB), RODATA, $8

// entry: sched_setaffinity(0, 8, &firstCPU), then Go's own entry. The stack is
// as the kernel left it.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0-0
	XORL	DI, DI
	MOVQ	$8, SI
	LEAQ	·firstCPU(SB), DX
	MOVQ	$203, AX
	SYSCALL
	JMP	_rt0_amd64_linux(SB)
