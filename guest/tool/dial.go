package tool

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// connected is written to stdout before all that the other side sends.
const connected = 0x01

// dial connects stdin and stdout to a TCP port.
func dial(args []string) *failure {
	if len(args) != 2 {
		return badUsage
	}
	host := args[0]
	number, ok := port(args[1])
	addresses := resolve(host, number)
	if !ok || len(addresses) == 0 {
		return badUsage
	}
	var sock int
	var first *failure
	for i, address := range addresses {
		var f *failure
		if sock, f = connect(address, host); f == nil {
			first = nil
			break
		}
		if i == 0 {
			first = f
		}
	}
	if first != nil {
		return first
	}
	if errno := writeAll(1, []byte{connected}); errno != 0 {
		return check(errno, "write", "stdout")
	}
	return pump(sock, host)
}

// resolve reads a numeric address, or localhost.
func resolve(host string, port int) []syscall.Sockaddr {
	if host == "localhost" {
		return []syscall.Sockaddr{
			&syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}},
			&syscall.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}},
		}
	}
	if ip, ok := parseIPv4(host); ok {
		return []syscall.Sockaddr{&syscall.SockaddrInet4{Port: port, Addr: ip}}
	}
	if ip, ok := parseIPv6(host); ok {
		return []syscall.Sockaddr{&syscall.SockaddrInet6{Port: port, Addr: ip}}
	}
	return nil
}

// connect opens a connection that does not block from then on.
func connect(address syscall.Sockaddr, host string) (sock int, f *failure) {
	family := syscall.AF_INET
	if _, is6 := address.(*syscall.SockaddrInet6); is6 {
		family = syscall.AF_INET6
	}
	sock, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, check(errnoOf(err), "socket", host)
	}
	errno := errnoOf(syscall.Connect(sock, address))
	if errno == syscall.EINPROGRESS || errno == syscall.EINTR {
		fds := [1]sys.PollFd{{Fd: int32(sock), Events: pollOut}}
		if errno = wait(fds[:]); errno == 0 {
			errno = socketError(sock)
		}
	}
	if errno == 0 {
		errno = errnoOf(syscall.SetsockoptInt(sock, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
	}
	if errno != 0 {
		closeFd(sock)
		return -1, check(errno, "connect", host)
	}
	return sock, nil
}

// socketError is what went wrong with a connection in the background.
func socketError(sock int) syscall.Errno {
	n, err := syscall.GetsockoptInt(sock, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err != nil {
		return errnoOf(err)
	}
	return syscall.Errno(n)
}

// wait sleeps until something happens to one of the files.
func wait(fds []sys.PollFd) syscall.Errno {
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), 0, 0, 0, 0)
		if errno != syscall.EINTR {
			return errno
		}
	}
}
