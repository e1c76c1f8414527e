package sys

import (
	"syscall"
	"unsafe"
)

const (
	tcGets      = 0x5401
	tiocsCtty   = 0x540e
	tiocsWinsz  = 0x5414
	tiocsPtLock = 0x40045431
	tiocgPtPeer = 0x5441
	vEOF        = 4
)

// OpenTerminal makes a terminal: our end, which does not block, and the one
// for a command, which is opened without a look at /dev/pts.
func OpenTerminal() (ours, theirs int, errno syscall.Errno) {
	ours, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, -1, Errno(err)
	}
	var unlocked int32
	res := ioctl(ours, tiocsPtLock, unsafe.Pointer(&unlocked))
	if res >= 0 {
		n, _, e := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(ours), tiocgPtPeer, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC)
		res = ret(n, e)
	}
	if res < 0 {
		Close(ours)
		return -1, -1, syscall.Errno(-res)
	}
	return ours, res, 0
}

// Resize sets the size of a terminal; the kernel tells its foreground group.
func Resize(fd int, rows, columns uint16) int {
	size := [4]uint16{rows, columns}
	return ioctl(fd, tiocsWinsz, unsafe.Pointer(&size))
}

// EndOfInput returns the character that ends the input of a terminal; 0: it
// has none.
func EndOfInput(fd int) byte {
	var t struct {
		flags [4]uint32
		line  byte
		chars [19]byte
	}
	if ioctl(fd, tcGets, unsafe.Pointer(&t)) < 0 {
		return 0
	}
	return t.chars[vEOF]
}

// DupHigh makes another descriptor of fd above 2, closed on exec.
func DupHigh(fd int) int {
	n, _, e := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 3)
	return ret(n, e)
}

// Dup makes another descriptor of an open file.
func Dup(fd int) int {
	n, _, e := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	return ret(n, e)
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) int {
	n, _, e := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return ret(n, e)
}
