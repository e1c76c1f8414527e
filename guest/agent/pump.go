package agent

import "smolvm/guest/frame"

// pumpMost is how much of one command is read before others have a turn.
const pumpMost = 64 << 10

// ended looks after a detached command that was reaped.
func (s *Stream) ended() {
	s.lastBytes()
	s.dropInput()
	s.wake()
}

// room is how much output may be read now. Nothing is dropped that an attached
// session has yet to get.
func (d *detached) room() int {
	if !d.stream.open {
		return ringSize
	}
	return ringSize - int(d.ring.end-d.next)
}

// pump moves output of the command into its ring.
func (d *detached) pump() {
	s := d.stream
	for budget := pumpMost; ; {
		if !s.outs[s.turn].readable(s.exited) {
			s.turn ^= 1
		}
		o, room := &s.outs[s.turn], d.room()
		if !o.readable(s.exited) || room == 0 {
			break
		}
		if budget <= 0 {
			d.pumpLater()
			break
		}
		n := s.pull(o, d.ring.space(min(room, budget)))
		d.ring.add(n, s.turn)
		budget -= n
		s.turn ^= 1
	}
	if s.exited && s.outs[0].left == 0 && s.outs[1].left == 0 {
		s.closePipes()
	}
}

func (d *detached) pumpLater() {
	if !d.pumping {
		d.pumping = true
		d.stream.loop.pumps = append(d.stream.loop.pumps, d)
	}
}

// pumpRest goes on with commands that have written more than one turn's worth.
func (l *Loop) pumpRest() {
	n := len(l.pumps)
	for _, d := range l.pumps[:n] {
		d.pumping = false
		d.stream.wake()
	}
	l.pumps = append(l.pumps[:0], l.pumps[n:]...)
}

// sendable tells whether the attached session can be sent output.
func (d *detached) sendable() bool {
	return d.next < d.ring.end && d.stream.outs[d.ring.channel(d.next)].credit > 0
}

// replay adds one frame of output to dst, if the session may be sent one.
func (d *detached) replay(dst []byte) []byte {
	if !d.sendable() {
		return dst
	}
	s := d.stream
	o := &s.outs[d.ring.channel(d.next)]
	room := min(outSize-len(dst)-frame.Overhead, frame.MaxOut)
	data := d.ring.run(d.next, int(min(uint64(room), o.credit)))
	o.credit -= uint64(len(data))
	d.next += uint64(len(data))
	return frame.Append(dst, s.port.tag, o.typ, 0, s.id, data)
}
