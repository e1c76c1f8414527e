package agent

import (
	"syscall"

	"smolvm/guest/sys"
)

type kind byte

const (
	kindNone kind = iota
	kindPort
	kindOutput
	kindStdin
	kindChild
	kindJobs
	kindDevices
)

// target is what an event on a file descriptor is for.
type target struct {
	kind   kind
	serial int32
	port   *Port
	stream *Stream
	output *output
}

// watch adds fd to the epoll set. The serial tells a late event of a closed
// file apart from one of the next file with the same number.
func (l *Loop) watch(fd int, events uint32, t target) int {
	for len(l.targets) <= fd {
		l.targets = append(l.targets, target{})
	}
	l.serial++
	t.serial = l.serial
	l.targets[fd] = t
	return sys.EpollCtl(l.epfd, syscall.EPOLL_CTL_ADD, fd, events, t.serial)
}

// rewatch changes the events that fd is watched for.
func (l *Loop) rewatch(fd int, events uint32) {
	sys.EpollCtl(l.epfd, syscall.EPOLL_CTL_MOD, fd, events, l.targets[fd].serial)
}

// close forgets fd and closes it after the next writes: a host that waits for
// EXIT need not wait for that too.
func (l *Loop) close(fd int) {
	if fd < len(l.targets) {
		l.targets[fd] = target{}
	}
	l.doomed = append(l.doomed, fd)
}

// closeDoomed closes files; the kernel takes them out of the epoll set.
func (l *Loop) closeDoomed() {
	for _, fd := range l.doomed {
		sys.Close(fd)
	}
	l.doomed = l.doomed[:0]
}

func (l *Loop) dispatch(ev *syscall.EpollEvent) {
	t := &l.targets[ev.Fd]
	if t.serial != ev.Pad {
		return
	}
	switch t.kind {
	case kindPort:
		p := t.port // t changes when the port ends
		if ev.Events&^syscall.EPOLLOUT != 0 {
			p.readable = true
		}
		p.unblock(ev.Events)
		p.lost(ev.Events)
		p.activate()
	case kindOutput:
		t.output.ready = true
		t.output.hungUp = ev.Events&syscall.EPOLLHUP != 0
		t.stream.wake()
	case kindStdin:
		t.stream.feed()
	case kindChild:
		l.reap()
	case kindJobs:
		l.stopped = l.jobs.stop.Load()
	case kindDevices:
		l.watcher.events()
	}
}
