package tool

import (
	"syscall"

	"smolvm/guest/tree"
)

// packer writes a tree stream to stdout.
type packer struct {
	out     output
	path    string
	entries int
	skipped uint32
}

func pack(args []string) *failure {
	if len(args) != 1 && len(args) != 2 {
		return badUsage
	}
	p, root := packer{out: bulkOutput(), path: args[0]}, args[0]
	if len(args) == 2 {
		set, ok := flags(args[1], "l")
		if !ok {
			return badUsage
		}
		if set.has('l') {
			root = followed(root)
		}
	}
	f := p.entry(atCwd, root, "", 0)
	if f == nil {
		p.out.b = tree.AppendEnd(p.out.b, p.skipped)
		return p.out.flush()
	}
	p.out.b = tree.AppendFailed(p.out.b, f.text())
	p.out.flush() // f is the reason, whether this can be told or not
	return f
}

// followed is the path of what a path leads to. Where that cannot be told it is
// the path itself: packing it will say why.
func followed(path string) string {
	fd, errno := openAt(atCwd, path, oPath, 0)
	if errno != 0 {
		return path
	}
	defer syscall.Close(fd)
	target, errno := readLinkAt(atCwd, "/proc/self/fd/"+itoa(int64(fd)))
	if errno != 0 {
		return path
	}
	return target
}

// entry adds what a name in a folder stands for. Rel is its path in the stream.
func (p *packer) entry(dir int, name, rel string, depth int) *failure {
	st, errno := statAt(dir, name, atNoFollow)
	if errno != 0 {
		return p.gone(errno, "stat", rel)
	}
	p.entries++
	switch {
	case p.entries > tree.MaxEntries:
		return p.check(syscall.E2BIG, opPack, rel)
	case depth > tree.MaxDepth || len(rel) > tree.MaxPath:
		return p.check(syscall.ENAMETOOLONG, opPack, rel)
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return p.folder(dir, name, rel, depth)
	case syscall.S_IFREG:
		return p.file(dir, name, rel)
	case syscall.S_IFLNK:
		target, errno := readLinkAt(dir, name)
		if errno != 0 {
			return p.gone(errno, "readlink", rel)
		}
		p.out.b = tree.AppendLink(p.out.b, rel, nanos(st.Mtim), target)
		return p.out.drain()
	}
	return p.skip(rel)
}

// skip leaves out what is no file, folder or symlink.
func (p *packer) skip(rel string) *failure {
	if rel == "" {
		return check(syscall.EINVAL, opPack, p.path)
	}
	p.skipped++
	return nil
}

// gone is no failure if somebody removed an entry after it was listed.
func (p *packer) gone(errno syscall.Errno, op, rel string) *failure {
	if errno == syscall.ENOENT && rel != "" {
		return nil
	}
	return p.check(errno, op, rel)
}

func (p *packer) folder(dir int, name, rel string, depth int) *failure {
	fd, errno := openAt(dir, name, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errno != 0 {
		return p.gone(errno, "open", rel)
	}
	defer syscall.Close(fd)
	st, errno := statFd(fd)
	if errno != 0 {
		return p.check(errno, "stat", rel)
	}
	p.out.b = tree.AppendFolder(p.out.b, rel, st.Mode&maxMode, nanos(st.Mtim))
	if f := p.out.drain(); f != nil {
		return f
	}
	for in := (entries{fd: fd}); ; {
		name, _, errno := in.next()
		if errno != 0 {
			return p.check(errno, "getdents", rel)
		}
		if name == "" {
			return nil
		}
		if f := p.entry(fd, name, join(rel, name), depth+1); f != nil {
			return f
		}
	}
}

// check makes a failure of an errno at an entry.
func (p *packer) check(errno syscall.Errno, op, rel string) *failure {
	if errno == 0 {
		return nil
	}
	path := join(p.path, rel)
	if len(path) > maxShown {
		path = p.path
	}
	return check(errno, op, path)
}
