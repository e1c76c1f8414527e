package tool

import "syscall"

// append adds to a file that is there or is made. It is undone if the input is
// not of the size that was told, unless somebody else wrote meanwhile.
func (w *writer) append() *failure {
	flags := syscall.O_WRONLY | syscall.O_APPEND | syscall.O_NOFOLLOW | quietly
	if !w.present {
		flags |= syscall.O_CREAT
	}
	if w.set.has('x') {
		flags |= syscall.O_EXCL
	}
	mode := uint32(newFile)
	if w.mode != noMode {
		mode = uint32(w.mode)
	}
	fd, errno := openAt(w.dir, w.name, flags, mode)
	if errno != 0 {
		return check(errno, "open", w.path)
	}
	st, errno := statFd(fd)
	if errno == 0 {
		errno = mustBeRegular(st.Mode)
	}
	if errno != 0 {
		return check(errno, "open", w.path)
	}
	var written int64
	f := w.copy(fd, &written)
	if f == nil && w.mode != noMode {
		f = check(chmodFd(fd, mode), "chmod", w.path)
	}
	if f == nil {
		f = w.flush(fd)
	}
	if f == nil {
		return w.flushFolder()
	}
	if now, errno := statFd(fd); f.op == opSize && errno == 0 && now.Size == st.Size+written {
		w.undo(fd, st.Size)
	}
	return f
}

// undo takes away what was appended. The host learns of the failure that made
// it necessary, not of another one here.
func (w *writer) undo(fd int, size int64) {
	truncate(fd, size)
	if !w.present && size == 0 {
		unlinkAt(w.dir, w.name, 0)
	}
}

// intoDevice writes to what is not a file: a device, a FIFO with a reader.
func (w *writer) intoDevice() *failure {
	fd, errno := openAt(w.dir, w.name, syscall.O_WRONLY|syscall.O_NOFOLLOW|quietly, 0)
	if errno != 0 {
		return check(errno, "open", w.path)
	}
	// Only the opening must not wait.
	if _, _, errno = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, 0); errno != 0 {
		return check(errno, "fcntl", w.path)
	}
	return w.copy(fd, nil)
}
