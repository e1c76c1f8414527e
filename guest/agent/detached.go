package agent

import (
	"smolvm/guest/frame"
	"smolvm/guest/request"
	"smolvm/guest/sys"
)

const (
	maxDetached = 32  // detached commands that are known, running or ended
	maxProgram  = 255 // bytes of argv[0] that are kept
)

// detached is what a command has that outlives its session. Its stream is open
// while a session is attached to it.
type detached struct {
	name    string
	program string
	started uint64 // milliseconds since 1970
	input   bool   // it was started with STDIN
	stream  *Stream
	ring    ring
	next    uint64 // cursor of the first byte that the attached session lacks
	pumping bool   // is in loop.pumps
}

func (l *Loop) known(name string) *detached {
	for _, d := range l.detached {
		if d.name == name {
			return d
		}
	}
	return nil
}

// refuse tells why a detached command of this name cannot start now. Without a
// name there is no reason.
func (l *Loop) refuse(name string) *failure {
	if name == "" {
		return nil
	}
	if l.stdio {
		return &failure{0, "badRequest", "this agent ends with its session, so no command can outlive it"}
	}
	if l.known(name) != nil {
		return &failure{0, "exists", "there is a detached command " + name}
	}
	if len(l.detached) >= maxDetached && l.expendable() == nil {
		return &failure{0, "limit", "32 detached commands run already"}
	}
	return nil
}

// expendable is the oldest command that has ended, one without a session if
// there is any.
func (l *Loop) expendable() (found *detached) {
	for _, d := range l.detached {
		if d.stream.exited && (found == nil || found.stream.open && !d.stream.open) {
			found = d
		}
	}
	return found
}

// keep makes a command that has just started one that outlives its session.
func (l *Loop) keep(s *Stream, r *request.Exec) {
	if len(l.detached) >= maxDetached {
		l.forget(l.expendable())
	}
	program := r.Argv[0]
	s.detached = &detached{
		name:    r.Detached,
		program: program[:min(len(program), maxProgram)],
		started: sys.WallMillis(),
		input:   r.Stdin,
		stream:  s,
		ring:    newRing(),
	}
	l.detached = append(l.detached, s.detached)
}

// forget drops a command that has ended, and all its output.
func (l *Loop) forget(d *detached) {
	d.stream.detach()
	d.stream.closePipes()
	for i := range l.detached {
		if l.detached[i] == d {
			l.detached = append(l.detached[:i], l.detached[i+1:]...)
			return
		}
	}
}

// detach ends the attachment, if there is one, and tells the session.
func (s *Stream) detach() {
	if s.open {
		s.port.control(frame.OutDetached, s.id, nil)
		s.leave()
	}
}

// leave ends the attachment; the command goes on. What the ring has no room
// for is only dropped after the next wake.
func (s *Stream) leave() {
	delete(s.port.streams, s.id)
	s.port.unqueue(s)
	s.open, s.port = false, nil
}
