#include "textflag.h"

// func vfork(p *plan) (pid int)
TEXT ·vfork(SB),NOSPLIT,$0-16
	MOVQ	p+0(FP), R12
	MOVQ	0(R12), DI	// clone
	MOVQ	8(R12), SI	// cloneSize
	MOVQ	$435, AX	// clone3
	SYSCALL
	TESTQ	AX, AX
	JNZ	parent
	JMP	·takeSteps(SB)
parent:
	MOVQ	AX, pid+8(FP)
	RET

// takeSteps is the life of a new process: the steps of the plan in R12, until
// one of them is a program or fails. It uses registers only: the stack is that
// of the parent.
TEXT ·takeSteps(SB),NOSPLIT|NOFRAME,$0-0
	MOVQ	16(R12), R13	// steps
next:
	MOVQ	0(R13), AX
	MOVQ	8(R13), DI
	MOVQ	16(R13), SI
	MOVQ	24(R13), DX
	MOVQ	32(R13), R10
	MOVQ	40(R13), R8
	SYSCALL
	CMPQ	AX, $-4095
	JCC	failed
	INCQ	24(R12)	// done
	ADDQ	$48, R13
	JMP	next
failed:
	NEGQ	AX
	MOVQ	AX, 32(R12)	// errno
end:
	MOVQ	$127, DI
	MOVQ	$60, AX	// exit
	SYSCALL
	JMP	end
