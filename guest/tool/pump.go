package tool

import (
	"syscall"

	"smolvm/guest/sys"
)

const (
	pollIn   = sys.POLLIN
	pollOut  = 0x4
	pollGone = sys.POLLHUP | 0x8 // hung up, or an error
)

// flow moves bytes one way. None of its files blocks.
type flow struct {
	from, to         int
	fromName, toName string
	buf              []byte
	left             []byte // of the buffer: read and not yet written
	ended            bool   // nothing more is to be read
	done             bool   // and all is written
	finish           func()
}

// pump moves bytes both ways until both have ended. Each end is passed on by
// itself: the other way goes on.
func pump(sock int, host string) *failure {
	up := flow{from: 0, fromName: "stdin", to: sock, toName: host}
	down := flow{from: sock, fromName: host, to: 1, toName: "stdout"}
	up.finish = func() { syscall.Shutdown(sock, syscall.SHUT_WR) }
	down.finish = func() { closeFd(1) }
	for _, fd := range [...]int{0, 1} {
		if err := syscall.SetNonblock(fd, true); err != nil {
			return check(errnoOf(err), "fcntl", host)
		}
	}
	for !up.done || !down.done {
		fds := [3]sys.PollFd{{Fd: 0}, {Fd: int32(sock)}, {Fd: 1}}
		up.interest(&fds[0], &fds[1])
		down.interest(&fds[1], &fds[2])
		if f := await(&fds, down.done, host); f != nil {
			return f
		}
		if f := up.move(); f != nil {
			return f
		}
		if f := down.move(); f != nil {
			return f
		}
	}
	return nil
}

// await sleeps until a flow can go on. Who takes no more bytes is to show even
// while none are to be written; a file of no interest must not wake us.
func await(fds *[3]sys.PollFd, downDone bool, host string) *failure {
	in, sock, out := &fds[0], &fds[1], &fds[2]
	if in.Events == 0 {
		in.Fd = -1
	}
	if downDone {
		out.Fd = -1
	} else if sock.Events == 0 {
		sock.Fd = -1
	}
	if errno := wait(fds[:]); errno != 0 {
		return check(errno, "poll", host)
	}
	if out.Revents&pollGone != 0 {
		return check(syscall.EPIPE, "write", "stdout")
	}
	if downDone && sock.Revents&pollGone != 0 {
		return check(orElse(socketError(int(sock.Fd)), syscall.EPIPE), "write", host)
	}
	return nil
}

// interest adds what the flow waits for: room for what it holds, else more.
func (w *flow) interest(from, to *sys.PollFd) {
	switch {
	case w.done:
	case len(w.left) > 0:
		to.Events |= pollOut
	default:
		from.Events |= pollIn
	}
}

// move does what can be done now.
func (w *flow) move() *failure {
	if w.done {
		return nil
	}
	if len(w.left) == 0 {
		if w.buf == nil {
			w.buf = make([]byte, bufferSize)
		}
		n, errno := read(w.from, w.buf)
		if errno == syscall.EAGAIN {
			return nil
		}
		if errno != 0 {
			return check(errno, "read", w.fromName)
		}
		w.left, w.ended = w.buf[:n], n == 0
	}
	for len(w.left) > 0 {
		n, errno := write(w.to, w.left)
		if errno == syscall.EAGAIN {
			return nil
		}
		if errno != 0 {
			return check(errno, "write", w.toName)
		}
		w.left = w.left[n:]
	}
	if w.ended {
		w.done = true
		w.finish()
	}
	return nil
}
