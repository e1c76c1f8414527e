package tool

import "syscall"

// mostOpen is how many folders one above the other a remover keeps open.
const mostOpen = 64

// remover deletes a folder with all in it. It follows no link, and needs memory
// for the depth of the tree only.
type remover struct {
	dir    int    // the folder that holds the one to remove
	path   string // of the latter, for messages
	force  bool   // folders may be closed to their owner: open them first
	levels []level
}

// level is a folder that is being emptied.
type level struct {
	entries         // fd -1: closed while we are far below
	name     string // in the level above
	dev, ino uint64
	progress bool // something was removed since its start was read
}

func (r *remover) remove(name string) *failure {
	f := r.enter(name)
	for f == nil && len(r.levels) > 0 {
		f = r.step()
	}
	for i := range r.levels {
		if r.levels[i].fd >= 0 {
			closeFd(r.levels[i].fd)
		}
	}
	return f
}

// step removes one entry of the lowest level, or goes into it or out of the level.
func (r *remover) step() *failure {
	top := &r.levels[len(r.levels)-1]
	name, kind, errno := top.next()
	if errno != 0 {
		return r.check(errno, "getdents", "")
	}
	if name == "" {
		return r.leave()
	}
	top.progress = true
	errno = syscall.EISDIR
	if kind != kindFolder {
		errno = unlinkAt(top.fd, name, 0)
	}
	f := r.check(errno, "unlink", name)
	if errno == syscall.EISDIR {
		f = r.enter(name)
	}
	if f != nil && f.errno == syscall.ENOENT { // somebody else removed it
		return nil
	}
	return f
}

// enter opens a folder of the level and makes it the next level.
func (r *remover) enter(name string) *failure {
	n := len(r.levels)
	in := r.above(n)
	if r.force {
		if errno := chmodAt(in, name, 0o700); errno != 0 {
			return r.check(errno, "chmod", name)
		}
	}
	fd, errno := openAt(in, name, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errno != 0 {
		return r.check(errno, "open", name)
	}
	st, errno := statFd(fd)
	r.levels = append(r.levels, level{entries: entries{fd: fd}, name: name, dev: uint64(st.Dev), ino: st.Ino})
	if n >= mostOpen {
		if far := &r.levels[n-mostOpen]; far.fd >= 0 {
			closeFd(far.fd)
			far.entries = entries{fd: -1}
		}
	}
	return r.check(errno, "stat", "")
}

// above is the folder that holds level n.
func (r *remover) above(n int) int {
	if n == 0 {
		return r.dir
	}
	return r.levels[n-1].fd
}

// leave removes the emptied level.
func (r *remover) leave() *failure {
	n := len(r.levels) - 1
	top := &r.levels[n]
	if n > 0 && r.levels[n-1].fd < 0 {
		if errno := r.reopen(n - 1); errno != 0 {
			return r.check(errno, "open", "")
		}
	}
	errno := unlinkAt(r.above(n), top.name, atRemoveDir)
	if errno == syscall.ENOTEMPTY && top.progress {
		// Some file systems lose their place when entries go: once more.
		top.progress = false
		_, errno = seek(top.fd, 0, seekSet)
		return r.check(errno, "lseek", "")
	}
	if errno != 0 && errno != syscall.ENOENT {
		return r.check(errno, "rmdir", "")
	}
	closeFd(top.fd)
	r.levels = r.levels[:n]
	return nil
}

// reopen opens a level that was closed, from the one below. It is read from its
// start: what was seen before is gone. If the folder below was moved away, so
// are we, and must not go on.
func (r *remover) reopen(n int) syscall.Errno {
	fd, errno := openAt(r.levels[n+1].fd, "..", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if errno != 0 {
		return errno
	}
	l := &r.levels[n]
	l.fd = fd
	st, errno := statFd(fd)
	if errno == 0 && (uint64(st.Dev) != l.dev || st.Ino != l.ino) {
		errno = syscall.ESTALE
	}
	return errno
}

// check makes a failure of an errno at a name in the level (empty: at the level
// itself). The path is of a bounded length.
func (r *remover) check(errno syscall.Errno, op, name string) *failure {
	path := r.path
	if errno == 0 || len(r.levels) == 0 {
		return check(errno, op, path)
	}
	for i := 1; i < len(r.levels) && len(path) <= maxShown; i++ {
		path = join(path, r.levels[i].name)
	}
	if path = join(path, name); len(path) > maxShown {
		path = r.path
	}
	return check(errno, op, path)
}
