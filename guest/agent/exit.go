package agent

import (
	"syscall"

	"smolvm/guest/frame"
	"smolvm/guest/sys"
)

// reap collects all children that have ended: commands, and orphans that
// became children of process 1.
func (l *Loop) reap() {
	var status syscall.WaitStatus
	var ru syscall.Rusage
	for {
		pid := sys.Wait(&status, &ru)
		if pid <= 0 {
			l.shutdown.alone = pid == -int(syscall.ECHILD) && l.host.Alone == nil
			return
		}
		if pid == l.jobs.pid {
			l.jobs.finish()
			continue
		}
		s := l.byPid[pid]
		if s == nil {
			continue
		}
		delete(l.byPid, pid)
		l.commands--
		s.exited = true
		s.status = status
		s.cpu = micros(ru.Utime) + micros(ru.Stime)
		s.rss = uint64(ru.Maxrss)
		if s.detached != nil {
			s.ended()
		} else if s.open {
			s.lastBytes()
			s.announce()
			s.wake()
		}
	}
}

func micros(t syscall.Timeval) uint64 { return uint64(t.Sec)*1e6 + uint64(t.Usec) }

// lastBytes notes how much of each pipe belongs to the command that has just
// ended. A process that it left behind may write on; that is not sent.
func (s *Stream) lastBytes() {
	var fds [2]sys.PollFd
	for i := range s.outs {
		fds[i] = sys.PollFd{Fd: int32(s.outs[i].fd), Events: sys.POLLIN}
	}
	sys.Poll(fds[:])
	for i := range s.outs {
		o := &s.outs[i]
		o.left = 0
		if fds[i].Revents&sys.POLLIN != 0 {
			o.left = s.buffered(o)
		}
		if o.fd >= 0 && fds[i].Revents&sys.POLLHUP == 0 {
			s.holder = true
		}
	}
}

func (s *Stream) buffered(o *output) int {
	if s.terminal {
		return terminalMost
	}
	return sys.Buffered(o.fd)
}

// exitFrame adds EXIT to dst.
func (s *Stream) exitFrame(dst []byte) []byte {
	const size = 1 + 4 + 1 + 8 + 8
	var b [size]byte
	p := b[:0]
	kind, code := outcome(s.status)
	p = frame.AppendU32(append(p, kind), code)
	flags := byte(0)
	if s.holder {
		flags = 1
	}
	p = frame.AppendU64(append(p, flags), s.cpu)
	p = frame.AppendU64(p, s.rss)
	return frame.Append(dst, s.port.tag, frame.OutExit, 0, s.id, p)
}

// outcome is how a command has ended.
func outcome(status syscall.WaitStatus) (kind byte, code uint32) {
	if status.Signaled() {
		return kindSignaled, uint32(status.Signal())
	}
	return kindExited, uint32(status.ExitStatus())
}

// finish ends the stream; its id is free again.
func (s *Stream) finish() {
	if !s.open {
		return
	}
	if s.detached != nil {
		s.leave()
		return
	}
	s.open = false
	delete(s.port.streams, s.id)
	for i := range s.outs {
		s.closeOutput(&s.outs[i])
	}
	s.dropInput()
}

func (s *Stream) dropInput() {
	s.closeStdin()
	if len(s.held) > 0 {
		s.loop.release(len(s.held))
		s.held = nil
	}
}

// abandon ends the stream of a session that is over, and kills the command
// unless it is detached. Its group is only killed while the command is not
// reaped: afterwards the number may name a stranger.
func (s *Stream) abandon() {
	s.finish()
	if s.detached != nil {
		s.wake() // nobody's credit holds it up any more
	} else if !s.exited {
		sys.Kill(-s.pid, int(syscall.SIGKILL))
	}
}

// release counts input that left memory. Ports that were not read because too
// much had piled up go on.
func (l *Loop) release(n int) {
	stuck := l.heldStdin >= maxHeldStdin
	l.heldStdin -= n
	if !stuck || l.heldStdin >= maxHeldStdin {
		return
	}
	for i := range l.targets {
		if p := l.targets[i].port; p != nil && p.readable {
			p.activate()
		}
	}
}
