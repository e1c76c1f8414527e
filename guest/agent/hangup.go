package agent

import "smolvm/guest/sys"

// hangupMillis is how long the host side of a port must be closed before its
// session ends. The kernel learns of open and close through a queue of its
// own, later than it gets the data: a port can look closed while the first
// bytes of the next host are already here. Then the news is on its way, and
// within this time the port looks open again.
const hangupMillis = 250

// hangup notes that the port looks closed.
func (p *Port) hangup() {
	if p.loop.stdio {
		p.remove()
		return
	}
	if p.live && p.hungUp == 0 {
		p.hungUp = sys.Millis() + hangupMillis
		p.loop.hung = append(p.loop.hung, p)
	}
}

// watchHangups ends the sessions of ports that have stayed closed.
func (l *Loop) watchHangups() {
	for len(l.hung) > 0 && l.hung[0].hungUp <= sys.Millis() {
		p := l.hung[0]
		l.hung = l.hung[1:]
		p.hungUp = 0
		if p.fd >= 0 && p.live {
			p.checkHangup()
		}
	}
}

func (p *Port) checkHangup() {
	look := [1]sys.PollFd{{Fd: int32(p.fd)}}
	sys.Poll(look[:])
	if look[0].Revents&sys.POLLHUP == 0 {
		return
	}
	// Bytes may be left that were not read because answers had piled up.
	if n := sys.Read(p.fd, p.loop.rbuf[:]); n > 0 {
		p.take(p.loop.rbuf[:n])
		p.hangup()
		return
	}
	p.endSession()
}
