package tool

import (
	"syscall"
	"unsafe"
)

const (
	firstPauseMillis = 20
	lastPauseMillis  = 100
)

// portSet is a set of TCP ports.
type portSet [65536 / 64]uint64

func (s *portSet) add(port int)      { s[port/64] |= 1 << (port % 64) }
func (s *portSet) has(port int) bool { return s[port/64]&(1<<(port%64)) != 0 }

// listening waits until somebody listens on each of the ports.
func listening(args []string) *failure {
	wanted := make([]int, 0, len(args))
	for _, arg := range args {
		n, ok := port(arg)
		if !ok {
			return badUsage
		}
		wanted = append(wanted, n)
	}
	if len(wanted) == 0 {
		return badUsage
	}
	for pause := int64(firstPauseMillis); ; pause = min(pause+10, lastPauseMillis) {
		var open portSet
		f := listeners("/proc/net/tcp", &open)
		if f == nil {
			f = listeners("/proc/net/tcp6", &open)
		}
		if f != nil || open.all(wanted) {
			return f
		}
		nap := syscall.Timespec{Nsec: pause * 1_000_000}
		syscall.Syscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&nap)), 0, 0)
	}
}

func (s *portSet) all(ports []int) bool {
	for _, port := range ports {
		if !s.has(port) {
			return false
		}
	}
	return true
}

// listeners adds the ports of one of the kernel's tables. A kernel without the
// protocol has no table.
func listeners(path string, open *portSet) *failure {
	fd, errno := openAt(atCwd, path, syscall.O_RDONLY, 0)
	if errno == syscall.ENOENT {
		return nil
	}
	if errno != 0 {
		return check(errno, "open", path)
	}
	defer closeFd(fd)
	var b [16 << 10]byte
	for held := 0; ; {
		n, errno := read(fd, b[held:])
		if errno != 0 || n == 0 {
			return check(errno, "read", path)
		}
		held = copy(b[:], open.addLines(b[:held+n]))
		if held == len(b) {
			return check(syscall.EIO, "read", path)
		}
	}
}

// addLines takes whole lines of a table and returns what is left of them.
func (s *portSet) addLines(b []byte) (rest []byte) {
	start := 0
	for i, c := range b {
		if c == '\n' {
			if port, ok := listener(string(b[start:i])); ok {
				s.add(port)
			}
			start = i + 1
		}
	}
	return b[start:]
}

// listener reads "  0: 0100007F:1F90 00000000:0000 0A ..." : the number, the
// local address and port, the other side's, the state.
func listener(line string) (port int, ok bool) {
	const listen = "0A"
	var fields [4]string
	for i := 0; i < len(fields); {
		var more bool
		fields[i], line, more = cutAt(line, ' ')
		if fields[i] != "" {
			i++
		} else if !more {
			return 0, false
		}
	}
	_, digits, found := cutAt(fields[1], ':')
	n, valid := hex16(digits)
	return int(n), found && valid && fields[3] == listen
}
