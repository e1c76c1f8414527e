#include "textflag.h"

// func vfork(p *plan) (pid int)
// The child uses registers only: the stack is the parent's.
TEXT ·vfork(SB),NOSPLIT,$0-16
	MOVQ	p+0(FP), R12
	MOVQ	0(R12), DI	// clone
	MOVQ	8(R12), SI	// cloneSize
	MOVQ	$435, AX	// clone3
	SYSCALL
	TESTQ	AX, AX
	JNZ	parent
	MOVQ	16(R12), R13	// steps
next:
	MOVQ	0(R13), AX
	MOVQ	8(R13), DI
	MOVQ	16(R13), SI
	MOVQ	24(R13), DX
	SYSCALL
	CMPQ	AX, $-4095
	JCC	failed
	ADDQ	$32, R13
	JMP	next
failed:
	NEGQ	AX
	MOVQ	AX, 32(R12)	// errno
	MOVQ	R13, 24(R12)	// failed
end:
	MOVQ	$127, DI
	MOVQ	$60, AX	// exit
	SYSCALL
	JMP	end
parent:
	MOVQ	AX, pid+8(FP)
	RET
