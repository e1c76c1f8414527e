package agent

import (
	"syscall"

	"smolvm/guest/passwd"
	"smolvm/guest/sys"
)

// ServeStdio serves one session on stdin and stdout, which then are /dev/null
// for whoever inherits them. Run ends with the session's byte stream. False:
// they are not such as can be waited for.
func (l *Loop) ServeStdio() bool {
	in, out := sys.DupHigh(0), sys.DupHigh(1)
	if in < 0 || out < 0 {
		return false
	}
	syscall.Dup3(l.devNull, 0, 0)
	syscall.Dup3(l.devNull, 1, 0)
	return l.serveFiles(in, out)
}

func (l *Loop) serveFiles(in, out int) bool {
	sys.Nonblock(in)
	sys.Nonblock(out)
	l.stdio = true
	ownUser()
	p := l.AddPort(in)
	p.outFd = out
	return l.watch(out, p.outEvents(), target{kind: kindPort, port: p}) >= 0
}

// ownUser finds out as whom we run: with ssh that need not be root.
func ownUser() {
	uid := syscall.Geteuid()
	if uid == 0 {
		return
	}
	id := decimal(uid)
	own = user{name: id, home: "/"}
	if u, why := passwd.Find(id, readAccounts("/etc/passwd"), readAccounts("/etc/group")); why == "" {
		own = user{name: u.Name, home: u.Home}
	}
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

// outEvents is what the written file is watched for.
func (p *Port) outEvents() uint32 {
	if p.outFd == p.fd {
		return portEvents
	}
	return sys.EPOLLET
}

// lost ends the port of stdin and stdout when the other side has ended, also
// while nothing is read because commands do not take their input.
func (p *Port) lost(events uint32) {
	const gone = syscall.EPOLLHUP | syscall.EPOLLRDHUP | syscall.EPOLLERR
	if p.loop.stdio && events&gone != 0 && p.fd >= 0 {
		p.remove()
	}
}
