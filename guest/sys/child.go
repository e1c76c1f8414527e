package sys

import (
	"syscall"
	"unsafe"
)

// childFd is the event counter that the SIGCHLD handler rings.
var childFd = int64(-1)

func onChild()
func onChildAddr() uintptr

// AdoptOrphans makes orphans of our children ours, as they are process 1's.
func AdoptOrphans() {
	const setChildSubreaper = 36
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
}

// sigaction is the kernel's struct, the same on amd64 and arm64.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// NotifyChildren returns an event counter that is rung each time a child
// ends. The handler is a few instructions that run on whatever thread gets the
// signal: no signal can slip through between a look and a sleep, and no
// goroutine has to be woken, as os/signal would. Only the address in Go's own
// registration is replaced, its flags (alternate stack) and return stub stay.
func NotifyChildren() int {
	if childFd < 0 {
		childFd = int64(EventFd())
	}
	var act sigaction
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD), 0, uintptr(unsafe.Pointer(&act)), 8, 0, 0)
	act.handler = onChildAddr()
	act.flags |= 1 // SA_NOCLDSTOP
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	return ret(uintptr(childFd), e)
}
