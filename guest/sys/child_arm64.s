#include "textflag.h"

// onChild is the SIGCHLD handler: write(childFd, &one, 8).
TEXT ·onChild(SB),NOSPLIT|NOFRAME,$0-0
	MOVD	·childFd(SB), R0
	MOVD	$·one(SB), R1
	MOVD	$8, R2
	MOVD	$64, R8
	SVC
	RET

// func onChildAddr() uintptr
TEXT ·onChildAddr(SB),NOSPLIT,$0-8
	MOVD	$·onChild(SB), R0
	MOVD	R0, ret+0(FP)
	RET
