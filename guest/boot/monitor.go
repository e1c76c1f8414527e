package boot

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// CalmMonitor gives the other threads of the Go runtime 10 ms of timer slack.
// Go's monitor thread otherwise wakes every 20 µs to 10 ms while commands are
// started, which is dear under emulation. It cannot be silenced for good: the
// garbage collector needs it to take a P from a loop that waits in epoll.
// Timed waits of the loop are on the main thread, which keeps its slack.
func CalmMonitor() {
	fd, err := syscall.Open("/proc/self/task", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer sys.Close(fd)
	main := itoa(syscall.Getpid())
	var buf [2048]byte
	n, err := syscall.ReadDirent(fd, buf[:])
	for at := 0; err == nil && at < n; {
		ent := (*syscall.Dirent)(unsafe.Pointer(&buf[at]))
		name := buf[at+int(unsafe.Offsetof(ent.Name)) : at+int(ent.Reclen)]
		at += int(ent.Reclen)
		if tid := digits(name); tid != "" && tid != main {
			writeFile("/proc/"+tid+"/timerslack_ns", "10000000")
		}
	}
}

func writeFile(path, text string) {
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		sys.Write(fd, []byte(text))
		sys.Close(fd)
	}
}

func digits(b []byte) string {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return string(b[:n])
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
