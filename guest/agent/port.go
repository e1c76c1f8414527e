package agent

import (
	"syscall"

	"smolvm/guest/frame"
	"smolvm/guest/sys"
)

const portEvents = syscall.EPOLLIN | syscall.EPOLLRDHUP | sys.EPOLLET

// Port is one byte stream to a host process, and the session on it.
type Port struct {
	loop  *Loop
	fd    int // is read
	outFd int // is written; most often the same
	dec   frame.Decoder

	live    bool // a session is open
	tag     uint32
	session uint64 // counts the sessions of this port
	streams map[uint32]*Stream
	parts   map[uint32]*assembly

	ctl  []byte // control frames, not yet in out
	out  []byte // being written; out[head:] is left
	head int
	run  []*Stream // streams with something to send, in turn

	hungUp   int64 // when a port that looks closed is looked at again; 0: never
	readable bool  // the kernel may have bytes for us
	blocked  bool  // the kernel takes no bytes from us now
	active   bool  // is in loop.active
}

// AddPort serves one more port. The file must not block.
func (l *Loop) AddPort(fd int) *Port {
	p := &Port{loop: l, fd: fd, outFd: fd, readable: true}
	l.watch(fd, portEvents, target{kind: kindPort, port: p})
	p.activate()
	return p
}

func (p *Port) activate() {
	if !p.active {
		p.active = true
		p.loop.active = append(p.loop.active, p)
	}
}

// mayRead is false while the host does not take our answers, or while
// commands do not take the input it has sent.
func (p *Port) mayRead() bool {
	return p.readable && len(p.ctl) < ctlHigh && p.loop.heldStdin < maxHeldStdin
}

// busy tells whether the port has work that no event will announce.
func (p *Port) busy() bool {
	if p.fd < 0 {
		return false
	}
	return p.mayRead() || !p.blocked && p.pending()
}

func (p *Port) pending() bool {
	return p.head < len(p.out) || len(p.ctl) > 0 || len(p.run) > 0
}

// input reads and handles what the host has sent.
func (p *Port) input() {
	for i := 0; i < readsPerTurn && p.fd >= 0 && p.mayRead(); i++ {
		n := sys.Read(p.fd, p.loop.rbuf[:])
		switch {
		case n > 0:
			p.take(p.loop.rbuf[:n])
		case n == -int(syscall.EAGAIN):
			p.readable = false
		case n == 0: // an event tells when the host side is open again
			p.readable = false
			p.hangup()
		default: // the device is gone
			p.remove()
		}
	}
}

// output writes what is left over, or else one buffer full of new frames.
func (p *Port) output() {
	if p.fd < 0 || p.blocked {
		return
	}
	if p.head == len(p.out) {
		p.fill()
	}
	if p.head == len(p.out) {
		return
	}
	n := sys.Write(p.outFd, p.out[p.head:])
	switch {
	case n >= 0:
		p.head += n
	case n == -int(syscall.EAGAIN):
		p.blocked = true
		p.loop.rewatch(p.outFd, p.outEvents()|syscall.EPOLLOUT)
	default: // the host side is gone; a read will tell
		p.head = len(p.out)
		p.readable = true
	}
}

// unblock ends the wait for room to write.
func (p *Port) unblock(events uint32) {
	if p.blocked && events&syscall.EPOLLOUT != 0 {
		p.blocked = false
		p.loop.rewatch(p.outFd, p.outEvents())
	}
}

// remove ends the port for good.
func (p *Port) remove() {
	p.endSession()
	p.loop.close(p.fd)
	if p.outFd != p.fd {
		p.loop.close(p.outFd)
	}
	p.fd = -1
	if p.loop.stdio && p.loop.shutdown.stage == stageNone {
		p.loop.stopped = true
	}
}
