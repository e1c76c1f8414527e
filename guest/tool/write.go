package tool

import "syscall"

const newFile = 0o644

// writer is a write of stdin to one file.
type writer struct {
	path string
	mode int
	set  letters
	size int64 // -1: as it comes

	dir     int
	name    string
	old     syscall.Stat_t // of the file that is there
	present bool
}

// writeFile puts stdin into a file.
func writeFile(args []string) *failure {
	if len(args) != 4 {
		return badUsage
	}
	w := writer{path: args[0]}
	var ok, ok2, ok3 bool
	w.mode, ok = octal(args[1])
	w.set, ok2 = flags(args[2], "axps")
	w.size, ok3 = amount(args[3])
	if !ok || !ok2 || !ok3 {
		return badUsage
	}
	if w.set.has('p') {
		if f := makeParents(w.path); f != nil {
			return f
		}
	}
	if f := w.find(); f != nil {
		return f
	}
	switch {
	case w.present && w.old.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return w.intoDevice()
	case w.set.has('a'):
		return w.append()
	}
	return w.replace()
}

// find looks at what is there.
func (w *writer) find() *failure {
	var errno syscall.Errno
	if w.set.has('x') { // does not follow a link, not even one to nowhere
		w.dir, w.name, errno = parentOf(w.path)
	} else {
		w.dir, w.name, errno = locate(w.path)
	}
	if errno == 0 && w.name == "" && w.path != "" {
		errno = syscall.EISDIR
	}
	if errno != 0 {
		return check(errno, "open", w.path)
	}
	w.old, errno = statAt(w.dir, w.name, atNoFollow)
	w.present = errno == 0
	switch {
	case errno == syscall.ENOENT && w.name != "":
		errno = 0
	case errno == 0 && w.set.has('x'):
		errno = syscall.EEXIST
	case errno == 0 && isFolder(w.old.Mode):
		errno = syscall.EISDIR
	}
	return check(errno, "open", w.path)
}

// replace writes a new file and puts it in place of the old one.
func (w *writer) replace() *failure {
	s, errno := stage(w.dir)
	if errno != 0 {
		return check(errno, "open", w.path)
	}
	defer s.drop()
	if f := w.copy(s.fd, nil); f != nil {
		return f
	}
	if errno = chmodFd(s.fd, w.keep(s.fd)); errno != 0 {
		return check(errno, "chmod", w.path)
	}
	if f := w.flush(s.fd); f != nil {
		return f
	}
	errno, op := s.commit(w.name, w.set.has('x'))
	if errno != 0 {
		return check(errno, op, w.path)
	}
	return w.flushFolder()
}

// keep gives the new file the owner of the old one and returns its mode. Only
// root can give files away: else it may at least be the group.
func (w *writer) keep(fd int) (mode uint32) {
	mode = newFile
	if w.present {
		mode = w.old.Mode & maxMode
		st, errno := statFd(fd)
		if errno != 0 || st.Uid != w.old.Uid || st.Gid != w.old.Gid {
			if chownFd(fd, int(w.old.Uid), int(w.old.Gid)) != 0 {
				chownFd(fd, -1, int(w.old.Gid))
				mode &= 0o1777 // a program must not run as another user than before
			}
		}
	}
	if w.mode != noMode {
		mode = uint32(w.mode)
	}
	return mode
}
