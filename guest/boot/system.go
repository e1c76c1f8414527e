package boot

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// Open files: enough for 1,024 commands in the agent, plenty for programs, and
// a soft limit that programs which close "all" files can still walk through.
const (
	softFiles = 65_536
	hardFiles = 1_048_576
)

// Limits raises the limit of open files, for the agent and all commands. It is
// a raw call on purpose: syscall.Setrlimit would make Go restore the kernel's
// low default in each child.
//
// Nothing is done about the out-of-memory killer: it never takes process 1,
// and an oom_score_adj of the agent would be inherited by each command.
func Limits() {
	lim := syscall.Rlimit{Cur: softFiles, Max: hardFiles}
	syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, syscall.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&lim)), 0, 0, 0)
}

// Hostname sets the host name unless it is empty.
func Hostname(name string) {
	if name == "" {
		return
	}
	if err := syscall.Sethostname([]byte(name)); err != nil {
		Console("hostname: " + err.Error())
	}
}

// loRequest is struct ifreq for SIOCSIFFLAGS.
var loRequest = struct {
	name  [16]byte
	flags uint16
	_     [22]byte
}{name: [16]byte{'l', 'o'}, flags: syscall.IFF_UP | syscall.IFF_RUNNING}

// StartLoopback begins to turn the interface lo on; the kernel gives it
// 127.0.0.1 and ::1. That takes as long as mounting a disk, so it is done
// beside that.
func StartLoopback() (pid int) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0 // a kernel without IPv4
	}
	defer sys.Close(fd)
	return sys.SpawnIoctl(fd, syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&loRequest)))
}

// FinishLoopback waits until lo is on: no command may find it off.
func FinishLoopback(pid int) {
	if pid <= 0 {
		return
	}
	if errno := sys.WaitIoctl(pid); errno != 0 {
		Console("lo: " + errno.Error())
	}
}

// ReadFile returns a small file of /proc without the line end.
func ReadFile(path string) string {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer sys.Close(fd)
	var b [8192]byte
	n := max(sys.Read(fd, b[:]), 0)
	for n > 0 && b[n-1] == '\n' {
		n--
	}
	return string(b[:n])
}
