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
	noReplace   = 1
	seekSet     = 0
	seekData    = 3
	seekHole    = 4
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

// orElse is an errno, or another one if there is none.
func orElse(errno, other syscall.Errno) syscall.Errno {
	if errno == 0 {
		return other
	}
	return errno
}

func openAt(dir int, path string, flags int, mode uint32) (fd int, errno syscall.Errno) {
	for {
		fd, err := syscall.Openat(dir, path, flags|syscall.O_CLOEXEC, mode)
		if err != syscall.EINTR {
			return fd, errnoOf(err)
		}
	}
}

// move is a call that reads or writes. A tool has one goroutine: told of each
// call that takes long, Go's scheduler would only wake a thread that finds
// nothing to do, which under emulation costs more than the call.
func move(call uintptr, fd int, b []byte, offset int64) (n int, errno syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(offset), 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}

// read reads up to len(b) bytes; 0: the end.
func read(fd int, b []byte) (n int, errno syscall.Errno) {
	return move(syscall.SYS_READ, fd, b, 0)
}

func write(fd int, b []byte) (n int, errno syscall.Errno) {
	return move(syscall.SYS_WRITE, fd, b, 0)
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

func closeFd(fd int) { syscall.Close(fd) }

func seek(fd int, offset int64, whence int) (int64, syscall.Errno) {
	at, err := syscall.Seek(fd, offset, whence)
	return at, errnoOf(err)
}

func statFd(fd int) (st syscall.Stat_t, errno syscall.Errno) {
	err := syscall.Fstat(fd, &st)
	return st, errnoOf(err)
}

func readAt(fd int, b []byte, offset int64) (n int, errno syscall.Errno) {
	return move(syscall.SYS_PREAD64, fd, b, offset)
}

func writeAllAt(fd int, b []byte, offset int64) syscall.Errno {
	for len(b) > 0 {
		n, errno := move(syscall.SYS_PWRITE64, fd, b, offset)
		if errno != 0 {
			return errno
		}
		b = b[n:]
		offset += int64(n)
	}
	return 0
}

func chmodFd(fd int, mode uint32) syscall.Errno { return errnoOf(syscall.Fchmod(fd, mode)) }

func chownFd(fd, uid, gid int) syscall.Errno { return errnoOf(syscall.Fchown(fd, uid, gid)) }

func truncate(fd int, size int64) syscall.Errno { return errnoOf(syscall.Ftruncate(fd, size)) }

func fsync(fd int) syscall.Errno { return errnoOf(syscall.Fsync(fd)) }

func isFolder(mode uint32) bool { return mode&syscall.S_IFMT == syscall.S_IFDIR }

// nanos is a time in ns since 1970, as near as 64 bits can tell it.
func nanos(t syscall.Timespec) int64 {
	const most = (1<<63-1)/1_000_000_000 - 1
	return max(min(t.Sec, most), -most)*1e9 + t.Nsec
}
