package tool

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// Calls that name a file by a folder and a path from there.

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

func mkdirAt(dir int, path string, mode uint32) syscall.Errno {
	return errnoOf(syscall.Mkdirat(dir, path, mode))
}

func chmodAt(dir int, path string, mode uint32) syscall.Errno {
	return errnoOf(syscall.Fchmodat(dir, path, mode, 0))
}

// unlinkAt removes a file, with atRemoveDir an empty folder.
func unlinkAt(dir int, path string, flags int) syscall.Errno {
	p, errno := cPath(path)
	if errno == 0 {
		_, _, errno = syscall.Syscall(syscall.SYS_UNLINKAT, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(flags))
	}
	return errno
}

// renameAt renames; flags may be noReplace.
func renameAt(fromDir int, from string, toDir int, to string, flags int) syscall.Errno {
	p, errno := cPath(from)
	q, errno2 := cPath(to)
	if errno != 0 || errno2 != 0 {
		return syscall.EINVAL
	}
	_, _, errno = syscall.Syscall6(sys.NrRenameat2, uintptr(fromDir), uintptr(unsafe.Pointer(p)), uintptr(toDir), uintptr(unsafe.Pointer(q)), uintptr(flags), 0)
	return errno
}

func symlinkAt(target string, dir int, path string) syscall.Errno {
	p, errno := cPath(target)
	q, errno2 := cPath(path)
	if errno != 0 || errno2 != 0 {
		return syscall.EINVAL
	}
	_, _, errno = syscall.Syscall(syscall.SYS_SYMLINKAT, uintptr(unsafe.Pointer(p)), uintptr(dir), uintptr(unsafe.Pointer(q)))
	return errno
}

// openBeneath opens a folder below another one, with no link on the way.
func openBeneath(dir int, path string) (fd int, errno syscall.Errno) {
	const (
		nrOpenat2    = 437
		noMagicLinks = 2
		noSymlinks   = 4
		beneath      = 8
	)
	how := struct{ flags, mode, resolve uint64 }{toFolder | syscall.O_CLOEXEC, 0, noMagicLinks | noSymlinks | beneath}
	p, errno := cPath(path)
	if errno != 0 {
		return -1, errno
	}
	n, _, errno := syscall.Syscall6(nrOpenat2, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
	return int(n), errno
}

// setTime sets when a file was changed; with an empty path that of the open
// file dir. Flags may be atNoFollow.
func setTime(dir int, path string, mtime int64, flags int) syscall.Errno {
	const omit = 1<<30 - 2
	sec := mtime / 1e9
	if mtime%1e9 < 0 {
		sec--
	}
	times := [2]syscall.Timespec{{Nsec: omit}, {Sec: sec, Nsec: mtime - sec*1e9}}
	var p *byte
	if path != "" {
		var errno syscall.Errno
		if p, errno = cPath(path); errno != 0 {
			return errno
		}
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&times)), uintptr(flags), 0, 0)
	return errno
}

// linkFd gives a name to an open file that has none.
func linkFd(fd, dir int, path string) syscall.Errno {
	p, errno := cPath("/proc/self/fd/" + itoa(int64(fd)))
	q, errno2 := cPath(path)
	if errno != 0 || errno2 != 0 {
		return syscall.EINVAL
	}
	cwd := atCwd
	_, _, errno = syscall.Syscall6(syscall.SYS_LINKAT, uintptr(cwd), uintptr(unsafe.Pointer(p)), uintptr(dir), uintptr(unsafe.Pointer(q)), atFollow, 0)
	return errno
}
