package tool

import (
	"syscall"

	"smolvm/guest/frame"
)

func stat(args []string) *failure  { return statOne(args, 0) }
func lstat(args []string) *failure { return statOne(args, atNoFollow) }

func statOne(args []string, flags int) *failure {
	if len(args) != 1 {
		return badUsage
	}
	path := args[0]
	st, errno := statAt(atCwd, path, flags)
	if errno != 0 {
		return check(errno, "stat", path)
	}
	var out output
	if errno = out.record(atCwd, path, &st); errno != 0 {
		return check(errno, "readlink", path)
	}
	return out.flush()
}

// list writes a record for each entry of a folder.
func list(args []string) *failure {
	if len(args) != 1 {
		return badUsage
	}
	path := args[0]
	fd, errno := openAt(atCwd, path, syscall.O_RDONLY|syscall.O_DIRECTORY|quietly, 0)
	if errno != 0 {
		return check(errno, "open", path)
	}
	var out output
	for in := (entries{fd: fd}); ; {
		name, _, errno := in.next()
		if errno != 0 {
			return check(errno, "getdents", path)
		}
		if name == "" {
			return out.flush()
		}
		st, errno := statAt(fd, name, atNoFollow)
		if errno == 0 {
			errno = out.record(fd, name, &st)
		}
		if errno != 0 && errno != syscall.ENOENT { // gone since it was listed
			return check(errno, "stat", join(path, name))
		}
		if f := out.drain(); f != nil {
			return f
		}
	}
}

// record adds what is known of one file.
func (o *output) record(dir int, name string, st *syscall.Stat_t) (errno syscall.Errno) {
	target := ""
	if st.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		target, errno = readLinkAt(dir, name)
		if errno == syscall.EACCES { // links of /proc: who may see them may not read them
			errno = 0
		}
		if errno != 0 {
			return errno
		}
	}
	b := append(o.b, letter(st.Mode))
	b = frame.AppendU32(b, st.Mode&maxMode)
	b = frame.AppendU32(frame.AppendU32(b, st.Uid), st.Gid)
	b = frame.AppendU64(frame.AppendU64(b, uint64(st.Size)), uint64(nanos(st.Mtim)))
	o.b = frame.AppendStr(frame.AppendStr(b, name), target)
	return 0
}

// letter names the kind of a file.
func letter(mode uint32) byte {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return 'd'
	case syscall.S_IFLNK:
		return 'l'
	case syscall.S_IFBLK:
		return 'b'
	case syscall.S_IFCHR:
		return 'c'
	case syscall.S_IFIFO:
		return 'p'
	case syscall.S_IFSOCK:
		return 's'
	}
	return 'f'
}
