package agent

import (
	"syscall"

	"smolvm/guest/passwd"
	"smolvm/guest/sys"
)

const maxAccountFile = 1 << 20

// user is who a command runs as; cred is nil for root as it is.
type user struct {
	name, home string
	cred       *syscall.Credential
}

// own is the user as whom the agent runs.
var own = user{name: "root", home: "/root"}

// findUser resolves the user of an EXEC. The files are read each time: a
// command may have changed them.
func findUser(spec string) (*user, *failure) {
	if spec == "" {
		return &own, nil
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
