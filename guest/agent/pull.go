package agent

import "smolvm/guest/sys"

// output is the stdout or stderr of a command.
type output struct {
	fd     int // -1: at its end
	typ    byte
	credit uint64
	ready  bool // a read may bring something
	hungUp bool // all writers are gone: no event will come any more
	left   int  // after the command's end: bytes that are still to be sent
}

// readable tells that a read may bring something that is to be sent.
func (o *output) readable(exited bool) bool {
	if o.fd < 0 {
		return false
	}
	if exited {
		return o.left > 0
	}
	return o.ready
}

func (o *output) sendable(exited bool) bool {
	return o.credit > 0 && o.readable(exited)
}

// pull reads what the command has written; 0: there is nothing now.
func (s *Stream) pull(o *output, room []byte) int {
	if s.exited && o.left < len(room) {
		room = room[:o.left]
	}
	n := sys.Read(o.fd, room)
	if n <= 0 {
		o.ready, o.left = false, 0
		if n == 0 {
			s.closeOutput(o)
		}
		return 0
	}
	if n < len(room) && !s.terminal && !o.hungUp {
		o.ready = false // the pipe was empty then; more bytes make a new event
	}
	if s.exited {
		o.left -= n
		if s.terminal && !sys.Readable(o.fd) {
			o.left = 0
		}
	}
	return n
}
