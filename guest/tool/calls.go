package tool

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// Constants that package syscall lacks. A flag of openat that is written as a
// number is the same on amd64 and arm64.
const (
	atCwd       = -0x64
	atNoFollow  = 0x100
	atRemoveDir = 0x200
	atFollow    = 0x400
	oPath       = 0x200000
	oTmpfile    = 0x400000 | syscall.O_DIRECTORY
	// toFolder opens a folder only to name things in it.
	toFolder = oPath | syscall.O_DIRECTORY
	// quietly keeps an open from waiting and from taking a terminal.
	quietly = syscall.O_NONBLOCK | syscall.O_NOCTTY
)

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	return sys.Errno(err)
}

func openAt(dir int, path string, flags int, mode uint32) (fd int, errno syscall.Errno) {
	for {
		fd, err := syscall.Openat(dir, path, flags|syscall.O_CLOEXEC, mode)
		if err != syscall.EINTR {
			return fd, errnoOf(err)
		}
	}
}

// read reads up to len(b) bytes; 0: the end.
func read(fd int, b []byte) (n int, errno syscall.Errno) {
	for {
		n, err := syscall.Read(fd, b)
		if err != syscall.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func write(fd int, b []byte) (n int, errno syscall.Errno) {
	for {
		n, err := syscall.Write(fd, b)
		if err != syscall.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func writeAll(fd int, b []byte) syscall.Errno {
	for len(b) > 0 {
		n, errno := write(fd, b)
		if errno != 0 {
			return errno
		}
		b = b[n:]
	}
	return 0
}

func cPath(path string) (*byte, syscall.Errno) {
	p, err := syscall.BytePtrFromString(path)
	return p, errnoOf(err)
}

// statAt looks at a name in a folder; flags may be atNoFollow.
func statAt(dir int, path string, flags int) (st syscall.Stat_t, errno syscall.Errno) {
	p, errno := cPath(path)
	if errno == 0 {
		_, _, errno = syscall.Syscall6(sys.NrFstatat, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&st)), uintptr(flags), 0, 0)
	}
	return st, errno
}

// readLinkAt returns the target of a symlink: at most 4,095 bytes in Linux.
func readLinkAt(dir int, path string) (target string, errno syscall.Errno) {
	var b [4096]byte
	p, errno := cPath(path)
	if errno != 0 {
		return "", errno
	}
	n, _, errno := syscall.Syscall6(syscall.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&b)), uintptr(len(b)), 0, 0)
	if errno != 0 {
		return "", errno
	}
	return string(b[:n]), 0
}

// nanos is a time in ns since 1970, as near as 64 bits can tell it.
func nanos(t syscall.Timespec) int64 {
	const most = (1<<63-1)/1_000_000_000 - 1
	return max(min(t.Sec, most), -most)*1e9 + t.Nsec
}
