package tool

import (
	"syscall"

	"smolvm/guest/tree"
)

// replaceable tells whether a file or a symlink may take a name.
func replaceable(dir int, name string) syscall.Errno {
	st, errno := statAt(dir, name, atNoFollow)
	switch {
	case errno == syscall.ENOENT && name != "":
		return 0
	case errno != 0 && name != "":
		return errno
	case name == "" || isFolder(st.Mode):
		return syscall.EISDIR
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG, syscall.S_IFLNK:
		return 0
	}
	return syscall.EEXIST
}

// put gives a file or a symlink its name when it is complete, in place of what
// has the name. Last is asked before.
func (u *unpacker) put(dir int, name string, e *tree.Entry, last func() *failure) *failure {
	if e.Kind == tree.Link {
		return u.putLink(dir, name, e, last)
	}
	s, errno := stage(dir)
	if errno != 0 {
		return u.check(errno, "open", e.Path)
	}
	defer s.drop()
	if f := u.content(s.fd, e); f != nil {
		return f
	}
	if last != nil {
		if f := last(); f != nil {
			return f
		}
	}
	errno, op := s.commit(name, false)
	return u.check(errno, op, e.Path)
}

func (u *unpacker) putLink(dir int, name string, e *tree.Entry, last func() *failure) *failure {
	hidden, errno := hide(func(name string) syscall.Errno { return symlinkAt(e.Target, dir, name) })
	if errno != 0 {
		return u.check(errno, "symlink", e.Path)
	}
	f := u.check(setTime(dir, hidden, e.MTime, atNoFollow), "utimensat", e.Path)
	if f == nil && last != nil {
		f = last()
	}
	if f == nil {
		f = u.check(renameAt(dir, hidden, dir, name, 0), "rename", e.Path)
	}
	if f != nil {
		unlinkAt(dir, hidden, 0)
	}
	return f
}

// create makes a file or a symlink in a tree that nobody sees yet.
func (u *unpacker) create(name string, e *tree.Entry) *failure {
	if e.Kind == tree.Link {
		errno := symlinkAt(e.Target, u.holder, name)
		if errno == 0 {
			errno = setTime(u.holder, name, e.MTime, atNoFollow)
		}
		return u.check(errno, "symlink", e.Path)
	}
	const flags = syscall.O_WRONLY | syscall.O_CREAT | syscall.O_EXCL | syscall.O_NOFOLLOW
	fd, errno := openAt(u.holder, name, flags, 0o600)
	if errno != 0 {
		return u.check(errno, "open", e.Path)
	}
	defer closeFd(fd)
	return u.content(fd, e)
}

// content fills a new file. What the stream leaves out stays a hole.
func (u *unpacker) content(fd int, e *tree.Entry) *failure {
	// The size first: one that the file system cannot hold is known at once.
	if errno := truncate(fd, e.Size); errno != 0 {
		return u.check(errno, "ftruncate", e.Path)
	}
	for {
		at, data, err := u.in.Data()
		if err != nil {
			return u.fault(err)
		}
		if data == nil {
			return u.check(seal(fd, e.Mode, e.MTime), "chmod", e.Path)
		}
		if errno := writeAllAt(fd, data, at); errno != 0 {
			return u.check(errno, "write", e.Path)
		}
	}
}

// seal sets the mode and the time of an open file.
func seal(fd int, mode uint32, mtime int64) syscall.Errno {
	if errno := chmodFd(fd, mode); errno != 0 {
		return errno
	}
	return setTime(fd, "", mtime, 0)
}
