package tool

import "syscall"

// remove deletes a file, an empty folder, or with r a folder with all in it.
func remove(args []string) *failure {
	if len(args) != 2 {
		return badUsage
	}
	set, ok := flags(args[1], "rf")
	if !ok {
		return badUsage
	}
	path := trim(args[0])
	dir, name, errno := parentOf(path)
	switch {
	case errno != 0:
	case path == "/":
		errno = syscall.EBUSY
	case name == "." || name == "..":
		errno = syscall.EINVAL
	default:
		errno = unlinkAt(dir, name, 0)
	}
	var f *failure
	switch {
	case errno == syscall.EISDIR && set.has('r'):
		f = (&remover{dir: dir, path: path}).remove(name)
	case errno == syscall.EISDIR:
		f = check(unlinkAt(dir, name, atRemoveDir), "rmdir", path)
	default:
		f = check(errno, "unlink", path)
	}
	if f != nil && f.errno == syscall.ENOENT && set.has('f') {
		return nil
	}
	return f
}
