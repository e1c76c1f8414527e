package tool

import (
	"syscall"

	"smolvm/guest/tree"
)

// entries puts all that is below the root in place.
func (u *unpacker) entries() *failure {
	for {
		e, err := u.in.Next()
		if err != nil {
			return u.fault(err)
		}
		if e.Kind == tree.End {
			return u.finish()
		}
		if f := u.entry(&e); f != nil {
			return f
		}
	}
}

// end is the check that nothing follows.
func (u *unpacker) end() *failure {
	e, err := u.in.Next()
	if err == nil && e.Kind != tree.End {
		err = tree.ErrMalformed
	}
	if err != nil {
		return u.fault(err)
	}
	return nil
}

func (u *unpacker) entry(e *tree.Entry) *failure {
	if errno := u.enter(e.Parent); errno != 0 {
		return u.check(errno, "open", e.Path)
	}
	_, name := tree.Split(e.Path)
	if e.Kind == tree.Folder {
		return u.check(u.makeFolder(name, e), "mkdir", e.Path)
	}
	if u.merge {
		if errno := replaceable(u.holder, name); errno != 0 {
			return u.check(errno, "open", e.Path)
		}
		return u.put(u.holder, name, e, nil)
	}
	return u.create(name, e)
}

// enter opens the folder of the stream that has this number, unless it is open.
func (u *unpacker) enter(number int) (errno syscall.Errno) {
	if number == u.parent {
		return 0
	}
	u.leave()
	path := u.pathOf(number)
	if path == "" {
		path = "."
	}
	u.holder, errno = openBeneath(u.top, path)
	if errno == 0 {
		u.parent = number
	}
	return errno
}

func (u *unpacker) leave() {
	if u.parent >= 0 {
		closeFd(u.holder)
		u.parent = -1
	}
}

// pathOf is the path of a folder from the top.
func (u *unpacker) pathOf(number int) (path string) {
	for ; number > 0; number = u.folders[number].parent {
		path = join(u.folders[number].name, path)
	}
	return path
}

func (u *unpacker) makeFolder(name string, e *tree.Entry) syscall.Errno {
	errno := mkdirAt(u.holder, name, e.Mode&0o1777|0o700)
	ours := errno == 0
	if errno == syscall.EEXIST && u.merge {
		var st syscall.Stat_t
		st, errno = statAt(u.holder, name, atNoFollow)
		if errno == 0 && !isFolder(st.Mode) {
			errno = syscall.ENOTDIR
		}
	}
	u.folders = append(u.folders, folder{e.Parent, name, e.Mode, e.MTime, ours})
	return errno
}

// finish sets modes and times of folders, the inner ones first: a mode may
// close the way to what is inside.
func (u *unpacker) finish() *failure {
	for n := len(u.folders) - 1; n >= 0; n-- {
		f := &u.folders[n]
		if !f.ours {
			continue
		}
		if errno := u.finishFolder(n, f); errno != 0 {
			return u.check(errno, "chmod", u.pathOf(n))
		}
	}
	return nil
}

func (u *unpacker) finishFolder(n int, f *folder) syscall.Errno {
	dir, name := u.top, "."
	if n > 0 {
		if errno := u.enter(f.parent); errno != 0 {
			return errno
		}
		dir, name = u.holder, f.name
	}
	fd, errno := openAt(dir, name, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errno != 0 {
		return errno
	}
	defer closeFd(fd)
	return seal(fd, f.mode, f.mtime)
}
