package tool

import (
	"syscall"

	"smolvm/guest/cmdline"
	"smolvm/guest/sys"
)

// services does what the kernel's command line asks for beside the control
// channel: network, a key for root, an SSH server. Process 1 starts it once,
// when commands can be run already.
func services(args []string) *failure {
	if len(args) != 0 {
		return badUsage
	}
	if syscall.Getppid() != 1 {
		return check(syscall.EPERM, "services", "is started by process 1 only")
	}
	line, errno := readSmall("/proc/cmdline", 8<<10)
	if errno != 0 {
		return check(errno, "read", "/proc/cmdline")
	}
	o := cmdline.Parse(line)
	bringUp(&o)
	if o.Key != "" {
		if f := authorize(o.Key, "/root"); f != nil {
			complain("authorized key", f)
		}
	}
	if o.SSHD {
		return serveSSH()
	}
	return nil
}

// complain tells the console: nobody else would learn of it.
func complain(what string, f *failure) {
	writeAll(2, []byte("agent: "+what+": "+f.text()+"\n"))
}

// startProgram starts a program of the image; its output goes to the console.
func startProgram(argv ...string) (pid int, f *failure) {
	null, errno := openAt(atCwd, "/dev/null", syscall.O_RDWR, 0)
	if errno != 0 {
		return 0, check(errno, "open", "/dev/null")
	}
	defer closeFd(null)
	console := sys.DupHigh(2)
	defer closeFd(console)
	c := sys.Command{Files: [3]int{null, console, console}}
	// None of these strings has a NUL in it: no error can come.
	c.Path, _ = syscall.BytePtrFromString(argv[0])
	c.Argv, _ = syscall.SlicePtrFromStrings(argv)
	c.Envv, _ = syscall.SlicePtrFromStrings([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"})
	pid, _, errno = sys.Spawn(&c)
	if errno != 0 {
		return 0, check(errno, "execve", argv[0])
	}
	return pid, nil
}

// awaitProgram waits for a program and tells its exit code, or -1.
func awaitProgram(pid int) int {
	var status syscall.WaitStatus
	for {
		got, err := syscall.Wait4(pid, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if got != pid || !status.Exited() {
			return -1
		}
		return status.ExitStatus()
	}
}

// runProgram runs a program of the image to its end.
func runProgram(argv ...string) *failure {
	pid, f := startProgram(argv...)
	if f != nil {
		return f
	}
	if code := awaitProgram(pid); code != 0 {
		return check(syscall.EIO, "exit", argv[0]+" with "+itoa(int64(code)))
	}
	return nil
}

// firstOf is the first of some programs that is there, or empty.
func firstOf(paths ...string) string {
	for _, path := range paths {
		if syscall.Access(path, 1) == nil {
			return path
		}
	}
	return ""
}

func nap(millis int64) {
	pause := syscall.NsecToTimespec(millis * 1_000_000)
	syscall.Nanosleep(&pause, nil)
}
