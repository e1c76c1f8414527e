package sys

import (
	"syscall"
	"unsafe"
)

// EpollCreate makes an epoll set.
func EpollCreate() int {
	n, _, e := syscall.RawSyscall(syscall.SYS_EPOLL_CREATE1, cloexec, 0, 0)
	return ret(n, e)
}

// EpollCtl changes the interest in fd. Serial comes back in EpollEvent.Pad.
func EpollCtl(ep, op, fd int, events uint32, serial int32) int {
	ev := syscall.EpollEvent{Events: events, Fd: int32(fd), Pad: serial}
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(ep), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return ret(n, e)
}

// EpollWait waits up to millis (-1: for ever). Only a call that may sleep
// tells the scheduler, so that Go's monitor thread can rest meanwhile.
func EpollWait(ep int, events []syscall.EpollEvent, millis int) int {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(events)))
	if millis == 0 {
		n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(ep), p, uintptr(len(events)), 0, 0, 0)
		return ret(n, e)
	}
	n, _, e := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(ep), p, uintptr(len(events)), uintptr(millis), 0, 0)
	return ret(n, e)
}

// EventFd makes a non-blocking event counter.
func EventFd() int {
	n, _, e := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, cloexec|nonblock, 0)
	return ret(n, e)
}

var one = uint64(1)

// Ring adds one to an event counter.
func Ring(fd int) {
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8)
}
