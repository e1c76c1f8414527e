package tool

import "syscall"

// copy writes stdin to a file and counts what it wrote, here and in written.
func (w *writer) copy(fd int, written *int64) *failure {
	var in input
	var sum int64
	for {
		b, errno := in.next()
		if errno != 0 {
			return check(errno, "read", "stdin")
		}
		n := len(b)
		if n == 0 && w.size < 0 || n == 0 && sum == w.size {
			return nil
		}
		sum += int64(n)
		if n == 0 || w.size >= 0 && sum > w.size {
			return check(syscall.EIO, opSize, w.path)
		}
		if errno = writeAll(fd, b); errno != 0 {
			return check(errno, "write", w.path)
		}
		if written != nil {
			*written = sum
		}
	}
}

func (w *writer) flush(fd int) *failure {
	if !w.set.has('s') {
		return nil
	}
	return check(fsync(fd), "fsync", w.path)
}

func (w *writer) flushFolder() *failure {
	if !w.set.has('s') {
		return nil
	}
	fd, errno := openAt(w.dir, ".", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if errno == 0 {
		errno = fsync(fd)
	}
	return check(errno, "fsync", w.path)
}
