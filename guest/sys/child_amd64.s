#include "textflag.h"

// onChild is the SIGCHLD handler: write(childFd, &one, 8).
TEXT ·onChild(SB),NOSPLIT|NOFRAME,$0-0
	MOVQ	·childFd(SB), DI
	LEAQ	·one(SB), SI
	MOVQ	$8, DX
	MOVQ	$1, AX
	SYSCALL
	RET

// func onChildAddr() uintptr
TEXT ·onChildAddr(SB),NOSPLIT,$0-8
	LEAQ	·onChild(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
