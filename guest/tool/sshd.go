package tool

import (
	"syscall"

	"smolvm/guest/sys"
)

const (
	runFolder    = "/run/smolvm"
	sshStatus    = runFolder + "/ssh"
	sshPort      = 22
	shortMillis  = 10_000 // a server that lives less has failed
	mostFailures = 5      // in a row; then it is given up
	againMillis  = 1000
)

// serveSSH starts the SSH server of the image, and again when it ends. What came
// of it is told in a file, for sshKey.
func serveSSH() *failure {
	syscall.Mkdir(runFolder, 0o755)
	// Whoever comes by ssh can use this program as it is.
	syscall.Symlink("/proc/1/exe", runFolder+"/agent")
	server, public, f := prepareServer()
	if f != nil {
		return sshFailed(f)
	}
	for failures := 0; failures < mostFailures; {
		began := sys.Millis()
		pid, f := startProgram(server...)
		if f != nil {
			return sshFailed(f)
		}
		if awaitServer(pid) {
			if f := replaceFile(sshStatus, "+"+public, 0o644); f != nil {
				complain("ssh", f)
			}
			awaitProgram(pid)
		}
		failures++
		if sys.Millis()-began > shortMillis {
			failures = 0
		}
		nap(againMillis)
	}
	return sshFailed(check(syscall.EIO, "sshd", server[0]+" ends again and again"))
}

func sshFailed(f *failure) *failure {
	complain("ssh", f)
	replaceFile(sshStatus, "-"+f.text(), 0o644)
	return f
}

// prepareServer finds the server of the image and makes its host key, which
// belongs to this disk: a key that came with the image is known to others too.
func prepareServer() (argv []string, public string, f *failure) {
	if sshd, keygen := firstOf("/usr/sbin/sshd", "/usr/local/sbin/sshd"), firstOf("/usr/bin/ssh-keygen", "/usr/local/bin/ssh-keygen"); sshd != "" && keygen != "" {
		const key = "/etc/ssh/smolvm_host_ed25519_key"
		syscall.Mkdir("/run/sshd", 0o755) // Debian's place for separated privileges
		public, f = hostKey(key, func(path string) *failure {
			return runProgram(keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path)
		})
		return []string{sshd, "-D", "-p", itoa(sshPort), "-o", "HostKey=" + key}, public, f
	}
	return nil, "", check(syscall.ENOENT, "sshd", "the image has no /usr/sbin/sshd with ssh-keygen")
}

// hostKey reads the public part of a host key, and makes the pair where it is
// missing. The private part takes its name last: with it all is there.
func hostKey(path string, generate func(path string) *failure) (public string, f *failure) {
	if syscall.Access(path, 0) != nil {
		fresh := path + ".new"
		syscall.Unlink(fresh)
		syscall.Unlink(fresh + ".pub")
		if f := generate(fresh); f != nil {
			return "", f
		}
		for _, suffix := range [...]string{".pub", ""} {
			if errno := errnoOf(syscall.Rename(fresh+suffix, path+suffix)); errno != 0 {
				return "", check(errno, "rename", path+suffix)
			}
		}
	}
	text, errno := readSmall(path+".pub", maxKey)
	if errno != 0 {
		return "", check(errno, "read", path+".pub")
	}
	return oneLine(text), nil
}

// awaitServer waits until the server listens; false: it has ended.
func awaitServer(pid int) bool {
	for {
		var open portSet
		if f := listeners("/proc/net/tcp", &open); f == nil && open.has(sshPort) {
			return true
		}
		var status syscall.WaitStatus
		if got, _ := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); got == pid {
			return false
		}
		nap(10)
	}
}

// sshKey waits until the SSH server takes connections and prints its public host
// key, or tells why it does not. The host sets the limit.
func sshKey(args []string) *failure {
	if len(args) != 0 {
		return badUsage
	}
	for pause := int64(5); ; pause = min(pause+5, lastPauseMillis) {
		text, errno := readSmall(sshStatus, maxKey)
		if errno != 0 && errno != syscall.ENOENT {
			return check(errno, "read", sshStatus)
		}
		if text != "" && text[0] == '+' {
			return check(writeAll(1, []byte(text[1:])), "write", "stdout")
		}
		if text != "" {
			return check(syscall.ENOENT, "sshd", text[1:])
		}
		nap(pause)
	}
}
