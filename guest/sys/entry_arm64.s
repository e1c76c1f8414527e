#include "textflag.h"

DATA	·firstCPU+0(SB)/8, $1
GLOBL	·firstCPU(SB), RODATA, $8

// entry: sched_setaffinity(0, 8, &firstCPU), then Go's own entry. The stack is
// as the kernel left it.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0-0
	MOVD	$0, R0
	MOVD	$8, R1
	MOVD	$·firstCPU(SB), R2
	MOVD	$122, R8
	SVC
	JMP	_rt0_arm64_linux(SB)
