package tool

import "syscall"

// maxShown bounds the paths in messages.
const maxShown = 4096

func join(dir, name string) string {
	switch {
	case dir == "" || name == "":
		return dir + name
	case dir[len(dir)-1] == '/':
		return dir + name
	}
	return dir + "/" + name
}

// trim takes slashes off the end, but for the one that is the root.
func trim(path string) string {
	for len(path) > 1 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}

// split parts a path into the folder to open and the name in it. The name is
// empty for the root folder and for a path that ends in a slash.
func split(path string) (dir, name string) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i+1], path[i+1:]
		}
	}
	return ".", path
}

// parentOf opens the folder that holds what a path names.
func parentOf(path string) (dir int, name string, errno syscall.Errno) {
	holder, name := split(path)
	dir, errno = openAt(atCwd, holder, toFolder, 0)
	return dir, name, errno
}

// locate opens the folder that holds the file in the end: where links lead to.
// That one need not be there.
func locate(path string) (dir int, name string, errno syscall.Errno) {
	for at := atCwd; ; at = dir {
		holder, name := split(path)
		dir, errno = openAt(at, holder, toFolder, 0)
		if at != atCwd {
			closeFd(at)
		}
		if errno != 0 {
			return -1, "", errno
		}
		path, errno = readLinkAt(dir, name)
		if errno == syscall.EINVAL || errno == syscall.ENOENT { // no link
			return dir, name, 0
		}
		// The kernel may refuse to follow it, or know that it leads in a circle.
		if errno == 0 {
			_, errno = statAt(dir, name, 0)
		}
		if errno != 0 && errno != syscall.ENOENT {
			closeFd(dir)
			return -1, "", errno
		}
	}
}
