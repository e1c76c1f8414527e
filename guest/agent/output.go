package agent

import "smolvm/guest/frame"

const (
	outSize = frame.MaxOut + frame.Overhead // one write to a virtio port
	// minRoom is what must be left in the buffer to begin another frame: a
	// smaller rest would cut output into slivers.
	minRoom = 4096 + frame.Overhead

	endOfOutput = 1 // a flag of STDOUT and STDERR
)

// control queues a frame that goes before all output of commands.
func (p *Port) control(typ byte, stream uint32, payload []byte) {
	p.ctl = frame.Append(p.ctl, p.tag, typ, 0, stream, payload)
	p.activate()
}

// fill puts the next frames into the empty buffer: control frames first, then
// one frame of each stream in turn.
func (p *Port) fill() {
	if p.out == nil {
		p.out = make([]byte, 0, outSize)
	}
	p.head = 0
	n := copy(p.out[:outSize], p.ctl)
	p.out = p.out[:n]
	p.ctl = append(p.ctl[:0], p.ctl[n:]...)
	for len(p.run) > 0 && outSize-len(p.out) >= minRoom {
		s := p.run[0]
		copy(p.run, p.run[1:])
		p.run = p.run[:len(p.run)-1]
		s.queued = false
		p.out = s.emit(p.out)
		s.wake()
	}
}

// wake puts the stream in line if it has something to send.
func (s *Stream) wake() {
	d := s.detached
	if d != nil {
		d.pump()
	}
	if s.queued || !s.open {
		return
	}
	if s.drained() || d != nil && d.sendable() ||
		d == nil && (s.outs[0].sendable(s.exited) || s.outs[1].sendable(s.exited)) {
		s.queued = true
		s.port.run = append(s.port.run, s)
		s.port.activate()
	}
}

// unqueue takes a stream that leaves the port out of the line.
func (p *Port) unqueue(s *Stream) {
	for i := range p.run {
		if p.run[i] == s {
			p.run = append(p.run[:i], p.run[i+1:]...)
			break
		}
	}
	s.queued = false
}

// drained tells that only EXIT is left to send.
func (s *Stream) drained() bool {
	return s.exited && s.outs[0].left == 0 && s.outs[1].left == 0 &&
		(s.detached == nil || s.detached.next == s.detached.ring.end)
}

// emit adds one frame of the stream to dst, if it has one.
func (s *Stream) emit(dst []byte) []byte {
	if !s.open {
		return dst
	}
	if grown := s.next(dst); len(grown) > len(dst) {
		return grown
	}
	if s.drained() {
		dst = s.exitFrame(dst)
		s.finish()
	}
	return dst
}

// next adds a frame of output to dst, if it may be sent.
func (s *Stream) next(dst []byte) []byte {
	if s.detached != nil {
		return s.detached.replay(dst)
	}
	for i := 0; i < 2; i++ {
		o := &s.outs[s.turn]
		s.turn ^= 1
		if !o.sendable(s.exited) {
			continue
		}
		if grown := s.read(dst, o); len(grown) > len(dst) {
			return grown
		}
	}
	return dst
}

// read moves bytes of the pipe straight into a frame at the end of dst.
func (s *Stream) read(dst []byte, o *output) []byte {
	at := len(dst)
	room := min(outSize-at-frame.Overhead, frame.MaxOut)
	if o.credit < uint64(room) {
		room = int(o.credit)
	}
	body := at + frame.HeaderSize
	n, flags := s.pull(o, dst[:cap(dst)][body:body+room]), byte(0)
	if n == 0 {
		if o.fd >= 0 || s.exited {
			return dst
		}
		flags = endOfOutput // closed while the command runs on
	}
	o.credit -= uint64(n)
	dst = dst[:body+n+frame.TrailerSize]
	frame.PutHeader(dst[at:], o.typ, flags, s.id, n)
	frame.PutTag(dst[body+n:], s.port.tag)
	return dst
}
