// Package sys holds the system calls of the agent that package syscall does
// not offer in the form needed: raw (no scheduler bookkeeping), restarted or
// reduced to an errno. All of them return a negative errno on failure.
package sys

import (
	"syscall"
	"unsafe"
)

// Constants that package syscall lacks.
const (
	FIONREAD  = 0x541b
	POLLIN    = 0x1
	POLLHUP   = 0x10
	EPOLLET   = 1 << 31
	cloexec   = 0x80000
	nonblock  = 0x800
	clockMono = 1
	clockReal = 0
	rndAdd    = 0x40085203
	rndReseed = 0x5207
	wnohang   = 1
)

func ret(n uintptr, e syscall.Errno) int {
	if e != 0 {
		return -int(e)
	}
	return int(n)
}

// Read reads without telling the scheduler: fd must not block.
func Read(fd int, b []byte) int {
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if e != syscall.EINTR {
			return ret(n, e)
		}
	}
}

// Write writes without telling the scheduler: fd must not block.
func Write(fd int, b []byte) int {
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if e != syscall.EINTR {
			return ret(n, e)
		}
	}
}

// Close closes fd.
func Close(fd int) {
	syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0)
}

// Pipe makes a pipe that is closed on exec. Both ends block.
func Pipe() (r, w int, errno syscall.Errno) {
	var p [2]int32
	_, _, errno = syscall.RawSyscall(syscall.SYS_PIPE2, uintptr(unsafe.Pointer(&p)), cloexec, 0)
	return int(p[0]), int(p[1]), errno
}

// Nonblock makes the open file behind fd non-blocking.
func Nonblock(fd int) {
	syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, nonblock)
}

// SetPipeSize asks for more room in a pipe.
func SetPipeSize(fd, size int) bool {
	const setPipeSize = 1031 // F_SETPIPE_SZ
	_, _, e := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), setPipeSize, uintptr(size))
	return e == 0
}

// Buffered returns the number of bytes in the pipe fd.
func Buffered(fd int) int {
	var n int32
	syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), FIONREAD, uintptr(unsafe.Pointer(&n)))
	return int(n)
}

// PollFd is struct pollfd.
type PollFd struct {
	Fd      int32
	Events  int16
	Revents int16
}

// Poll looks at fds and does not wait.
func Poll(fds []PollFd) int {
	var zero syscall.Timespec
	n, _, e := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(&zero)), 0, 0, 0)
	return ret(n, e)
}

// Readable tells whether fd has bytes to read now.
func Readable(fd int) bool {
	look := [1]PollFd{{Fd: int32(fd), Events: POLLIN}}
	Poll(look[:])
	return look[0].Revents&POLLIN != 0
}

// Kill sends a signal; a negative pid names a process group.
func Kill(pid, sig int) int {
	n, _, e := syscall.RawSyscall(syscall.SYS_KILL, uintptr(pid), uintptr(sig), 0)
	return ret(n, e)
}

// Wait reaps one child that has ended, if any: 0 means none has.
func Wait(status *syscall.WaitStatus, ru *syscall.Rusage) int {
	var s int32
	n, _, e := syscall.RawSyscall6(syscall.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&s)), wnohang, uintptr(unsafe.Pointer(ru)), 0, 0)
	*status = syscall.WaitStatus(s)
	return ret(n, e)
}

// Millis is a clock that never jumps.
func Millis() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMono, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Sec*1000 + ts.Nsec/1e6
}

// WallMillis is the time of day in milliseconds since 1970.
func WallMillis() uint64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockReal, uintptr(unsafe.Pointer(&ts)), 0)
	return uint64(ts.Sec*1000 + ts.Nsec/1e6)
}

// SetClock sets the time of day.
func SetClock(nanos uint64) int {
	ts := syscall.Timespec{Sec: int64(nanos / 1e9), Nsec: int64(nanos % 1e9)}
	n, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_SETTIME, clockReal, uintptr(unsafe.Pointer(&ts)), 0)
	return ret(n, e)
}
