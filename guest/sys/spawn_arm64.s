#include "textflag.h"

// func vfork(p *plan) (pid int)
// The child uses registers only: the stack is the parent's.
TEXT ·vfork(SB),NOSPLIT,$0-16
	MOVD	p+0(FP), R9
	MOVD	0(R9), R0	// clone
	MOVD	8(R9), R1	// cloneSize
	MOVD	$435, R8	// clone3
	SVC
	CBNZ	R0, parent
	MOVD	16(R9), R10	// steps
next:
	MOVD	0(R10), R8
	MOVD	8(R10), R0
	MOVD	16(R10), R1
	MOVD	24(R10), R2
	SVC
	CMN	$4095, R0
	BCS	failed
	ADD	$32, R10
	B	next
failed:
	NEG	R0, R0
	MOVD	R0, 32(R9)	// errno
	MOVD	R10, 24(R9)	// failed
end:
	MOVD	$127, R0
	MOVD	$93, R8	// exit
	SVC
	B	end
parent:
	MOVD	R0, pid+8(FP)
	RET
