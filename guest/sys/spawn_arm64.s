#include "textflag.h"

// func vfork(p *plan) (pid int)
TEXT ·vfork(SB),NOSPLIT,$0-16
	MOVD	p+0(FP), R9
	MOVD	0(R9), R0	// clone
	MOVD	8(R9), R1	// cloneSize
	MOVD	$435, R8	// clone3
	SVC
	CBNZ	R0, parent
	JMP	·takeSteps(SB)
parent:
	MOVD	R0, pid+8(FP)
	RET

// takeSteps is the life of a new process: the steps of the plan in R9, until
// one of them is a program or fails. It uses registers only: the stack is that
// of the parent.
TEXT ·takeSteps(SB),NOSPLIT|NOFRAME,$0-0
	MOVD	16(R9), R10	// steps
	MOVD	$0, R11
next:
	MOVD	0(R10), R8
	MOVD	8(R10), R0
	MOVD	16(R10), R1
	MOVD	24(R10), R2
	MOVD	32(R10), R3
	MOVD	40(R10), R4
	SVC
	CMN	$4095, R0
	BCS	failed
	ADD	$1, R11
	MOVD	R11, 24(R9)	// done
	ADD	$48, R10
	B	next
failed:
	NEG	R0, R0
	MOVD	R0, 32(R9)	// errno
end:
	MOVD	$127, R0
	MOVD	$93, R8	// exit
	SVC
	B	end
