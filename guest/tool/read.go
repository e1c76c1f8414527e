package tool

import "syscall"

// readFile writes a part of a regular file to stdout.
func readFile(args []string) *failure {
	if len(args) != 3 {
		return badUsage
	}
	path := args[0]
	offset, ok := decimal(args[1])
	length, ok2 := amount(args[2])
	if !ok || !ok2 {
		return badUsage
	}
	fd, errno := openAt(atCwd, path, syscall.O_RDONLY|quietly, 0)
	if errno != 0 {
		return check(errno, "open", path)
	}
	st, errno := statFd(fd)
	if errno == 0 {
		errno = mustBeRegular(st.Mode)
	}
	// Some files of /proc cannot seek, not even to their start.
	if errno == 0 && offset > 0 {
		_, errno = seek(fd, offset, seekSet)
	}
	if errno != 0 {
		return check(errno, "read", path)
	}
	return copyOut(fd, path, length)
}

// copyOut writes so many bytes of a file, or all, to stdout. It does not trust
// the size that the file has: in /proc that is 0.
func copyOut(fd int, path string, length int64) *failure {
	out := bulkOutput()
	b := out.b[:cap(out.b)]
	for length != 0 {
		if length > 0 && length < int64(len(b)) {
			b = b[:length]
		}
		n, errno := read(fd, b)
		if errno != 0 || n == 0 {
			return check(errno, "read", path)
		}
		out.b = b[:n]
		if f := out.flush(); f != nil {
			return f
		}
		if length > 0 {
			length -= int64(n)
		}
	}
	return nil
}

func mustBeRegular(mode uint32) syscall.Errno {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return 0
	case syscall.S_IFDIR:
		return syscall.EISDIR
	}
	return syscall.EINVAL
}
