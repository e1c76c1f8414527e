package tool

import (
	"syscall"

	"smolvm/guest/tree"
)

// unpacker puts a tree stream from stdin in place.
type unpacker struct {
	in    *tree.Reader
	path  string
	set   letters
	root  tree.Entry
	merge bool // the folder is there: files are put in place one by one
	top   int  // what paths of the stream begin at

	parent  int // a folder of the stream that is open, as the next entry is often there too
	holder  int // its file
	folders []folder
}

// folder is one of the stream, in its order. Its mode and time are set at the
// end: what is put into it changes the one and may need the other.
type folder struct {
	parent int
	name   string
	mode   uint32
	mtime  int64
	ours   bool // false: it was there before, and stays as it is
}

func unpack(args []string) *failure {
	if len(args) != 2 {
		return badUsage
	}
	set, ok := flags(args[1], "mp")
	if !ok {
		return badUsage
	}
	u := unpacker{path: trim(args[0]), set: set, parent: -1}
	var in input
	u.in = tree.NewReader(func() ([]byte, error) {
		b, errno := in.next()
		if errno != 0 {
			return nil, errno
		}
		return b, nil
	}, random())
	var err error
	if u.root, err = u.in.Next(); err != nil {
		return u.fault(err)
	}
	if u.root.Kind == tree.Folder {
		return u.folderRoot()
	}
	return u.fileRoot()
}

// fault tells what was wrong with the stream.
func (u *unpacker) fault(err error) *failure {
	switch err {
	case tree.ErrMalformed:
		return &failure{syscall.EBADMSG, opStream, u.path}
	case tree.ErrSender:
		return &failure{syscall.ECANCELED, opStream, u.path}
	}
	return &failure{errnoOf(err), "read", "stdin"}
}

// check makes a failure of an errno at an entry.
func (u *unpacker) check(errno syscall.Errno, op, path string) *failure {
	if errno == 0 {
		return nil
	}
	return check(errno, op, join(u.path, path))
}

// place opens the folder in which the root is to be.
func (u *unpacker) place() (dir int, name string, f *failure) {
	if u.set.has('p') {
		if f := makeParents(u.path); f != nil {
			return -1, "", f
		}
	}
	dir, name, errno := parentOf(u.path)
	return dir, name, check(errno, "open", u.path)
}

// fileRoot puts a file or a symlink in place when the whole stream has come.
func (u *unpacker) fileRoot() *failure {
	dir, name, f := u.place()
	if f != nil {
		return f
	}
	if errno := replaceable(dir, name); errno != 0 {
		return check(errno, "open", u.path)
	}
	return u.put(dir, name, &u.root, u.end)
}

// folderRoot makes a new folder, or merges into one that is there.
func (u *unpacker) folderRoot() *failure {
	st, errno := statAt(atCwd, u.path, 0)
	switch {
	case errno == 0 && !isFolder(st.Mode):
		return check(syscall.ENOTDIR, "open", u.path)
	case errno == 0 && !u.set.has('m'):
		return check(syscall.EEXIST, "open", u.path)
	case errno == 0:
		u.merge = true
		u.folders = []folder{{}}
		if u.top, errno = openAt(atCwd, u.path, toFolder, 0); errno != 0 {
			return check(errno, "open", u.path)
		}
		return u.entries()
	case errno != syscall.ENOENT:
		return check(errno, "stat", u.path)
	}
	dir, name, f := u.place()
	if f != nil {
		return f
	}
	return u.newFolder(dir, name)
}

// newFolder builds the tree under a hidden name, then gives it its own.
func (u *unpacker) newFolder(dir int, name string) *failure {
	// A link to nowhere takes the name too.
	if _, errno := statAt(dir, name, atNoFollow); errno != syscall.ENOENT || name == "" {
		return check(orElse(errno, syscall.EEXIST), "open", u.path)
	}
	hidden, errno := hide(func(name string) syscall.Errno { return mkdirAt(dir, name, 0o700) })
	if errno != 0 {
		return check(errno, "mkdir", u.path)
	}
	u.folders = []folder{{name: hidden, mode: u.root.Mode, mtime: u.root.MTime, ours: true}}
	u.top, errno = openAt(dir, hidden, toFolder|syscall.O_NOFOLLOW, 0)
	f := check(errno, "open", u.path)
	if f == nil {
		f = u.entries()
	}
	if f == nil {
		f = check(renameAt(dir, hidden, dir, name, noReplace), "rename", u.path)
	}
	if f != nil {
		// The host learns of f; what cannot be removed stays hidden.
		(&remover{dir: dir, path: u.path, force: true}).remove(hidden)
	}
	return f
}
