package tool

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// staged is a file that gets its content before it gets its name: nobody sees
// it half written.
type staged struct {
	dir, fd int
	hidden  string // its name until then; empty: it has none
}

const tries = 100 // of hidden names; each has 64 random bits

// stage makes an empty file in a folder. If the file system has none without a
// name, it has a hidden one.
func stage(dir int) (*staged, syscall.Errno) {
	fd, errno := openAt(dir, ".", oTmpfile|syscall.O_RDWR, 0o600)
	switch errno {
	case 0:
		return &staged{dir, fd, ""}, 0
	case syscall.EOPNOTSUPP, syscall.EISDIR, syscall.EINVAL:
	default:
		return nil, errno
	}
	hidden, errno := hide(func(name string) (errno syscall.Errno) {
		fd, errno = openAt(dir, name, syscall.O_RDWR|syscall.O_CREAT|syscall.O_EXCL|syscall.O_NOFOLLOW, 0o600)
		return errno
	})
	if errno != 0 {
		return nil, errno
	}
	return &staged{dir, fd, hidden}, 0
}

// commit gives the file its name, in place of the file that has it. If it is to
// be the only one, that is an error. Drop is still to be called.
func (s *staged) commit(name string, only bool) (f syscall.Errno, op string) {
	if s.hidden == "" && only {
		return linkFd(s.fd, s.dir, name), "link"
	}
	if s.hidden == "" {
		hidden, errno := hide(func(name string) syscall.Errno { return linkFd(s.fd, s.dir, name) })
		if errno != 0 {
			return errno, "link"
		}
		s.hidden = hidden
	}
	how := 0
	if only {
		how = noReplace
	}
	errno := renameAt(s.dir, s.hidden, s.dir, name, how)
	if errno == 0 {
		s.hidden = ""
	}
	return errno, "rename"
}

// drop closes the file. Without a name it is gone.
func (s *staged) drop() {
	if s.hidden != "" {
		unlinkAt(s.dir, s.hidden, 0)
	}
	closeFd(s.fd)
}

// hide makes something under a hidden name that nothing has yet.
func hide(create func(name string) syscall.Errno) (name string, errno syscall.Errno) {
	for range tries {
		const digits = "0123456789abcdef"
		name = ".smolvm-"
		for n, i := random(), 0; i < 16; i++ {
			name += digits[n&15 : n&15+1]
			n >>= 4
		}
		if errno = create(name); errno != syscall.EEXIST {
			break
		}
	}
	return name, errno
}

// random returns 64 bits that nobody guesses. It does not wait for the kernel
// to have gathered enough entropy: names need less.
func random() (n uint64) {
	const insecure = 4
	syscall.Syscall(sys.NrGetrandom, uintptr(unsafe.Pointer(&n)), 8, insecure)
	return n
}
