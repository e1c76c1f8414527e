package agent

import (
	"syscall"
	"unsafe"

	"smolvm/guest/passwd"
	"smolvm/guest/sys"
)

const maxAccountFile = 1 << 20

// user is who a command runs as; cred is nil for root as it is.
type user struct {
	name, home string
	cred       *syscall.Credential
}

var root = user{name: "root", home: "/root"}

// findUser resolves the user of an EXEC. The files are read each time: a
// command may have changed them.
func findUser(spec string) (*user, *failure) {
	if spec == "" {
		return &root, nil
	}
	u, why := passwd.Find(spec, readAccounts("/etc/passwd"), readAccounts("/etc/group"))
	if why != "" {
		return nil, &failure{0, "badUser", why}
	}
	cred := &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
	return &user{u.Name, u.Home, cred}, nil
}

// readAccounts reads a regular file of the root; what cannot be read is empty.
func readAccounts(path string) string {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer sys.Close(fd)
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return ""
	}
	b := make([]byte, min(st.Size, maxAccountFile))
	n := 0
	for n < len(b) {
		got := sys.Read(fd, b[n:])
		if got <= 0 {
			break
		}
		n += got
	}
	return string(b[:n])
}

// checkDir tells why a command of this user cannot begin in dir, 0 if it can.
// Only the loop's thread takes on the user's ids, for one access check.
func checkDir(dir string, cred *syscall.Credential) syscall.Errno {
	var st syscall.Stat_t
	if err := syscall.Stat(dir, &st); err != nil {
		return sys.Errno(err)
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return syscall.ENOTDIR
	}
	if cred == nil || cred.Uid == 0 {
		return 0
	}
	setIDs(cred.Groups, cred.Gid, cred.Uid)
	fd, err := syscall.Open(dir+"/.", syscall.O_DIRECTORY|syscall.O_CLOEXEC|oPath, 0)
	setIDs(nil, 0, 0)
	if err != nil {
		return sys.Errno(err)
	}
	sys.Close(fd)
	return 0
}

const oPath = 0x200000

// setIDs sets the ids that the kernel checks file access of this thread with.
func setIDs(groups []uint32, gid, uid uint32) {
	if uid != 0 {
		syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
		syscall.RawSyscall(syscall.SYS_SETFSGID, uintptr(gid), 0, 0)
		syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(uid), 0, 0)
		return
	}
	syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0)
	syscall.RawSyscall(syscall.SYS_SETFSGID, 0, 0, 0)
	syscall.RawSyscall(syscall.SYS_SETGROUPS, 0, 0, 0)
}
