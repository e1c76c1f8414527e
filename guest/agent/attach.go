package agent

import (
	"smolvm/guest/frame"
	"smolvm/guest/request"
)

// Kinds of a command's end, as EXIT and LISTED name them.
const (
	kindExited byte = iota
	kindSignaled
	kindRunning
)

const noCommand = "there is no detached command of this id"

// attach connects a new stream to a detached command.
func (p *Port) attach(f *frame.Frame) (why string) {
	a, ok := request.ParseAttach(f.Payload)
	if !ok {
		return "malformed ATTACH"
	}
	if p.streams[f.Stream] != nil || p.parts[f.Stream] != nil {
		return "ATTACH on an open stream"
	}
	d := p.loop.known(a.Name)
	switch {
	case d == nil:
		p.failed(f.Stream, 0, "notFound", noCommand)
	case a.Cursor > d.ring.end:
		p.failed(f.Stream, 0, "badRequest", "cursor is beyond the end of the output")
	case len(d.stream.held) > stdinWindow: // each attachment has a window: they must not add up
		p.failed(f.Stream, 0, "limit", "the command has not taken the input of earlier attachments")
	default:
		d.stream.detach()
		d.attach(p, f.Stream, &a)
	}
	return ""
}

// attach opens the stream. Input of earlier attachments that the command takes
// from now on is not acknowledged to this one.
func (d *detached) attach(p *Port, id uint32, a *request.Attach) {
	s := d.stream
	s.port, s.id, s.open = p, id, true
	p.streams[id] = s
	s.outs[0].credit, s.outs[1].credit = uint64(a.OutCredit), uint64(a.ErrCredit)
	if d.input {
		s.window, s.acked = stdinWindow, -len(s.held)
	}
	d.next = max(a.Cursor, d.ring.oldest)
	b := frame.AppendU32(nil, d.pid())
	b = frame.AppendU64(b, d.next)
	p.control(frame.OutAttached, id, append(b, d.options()))
	s.wake()
}

// pid is 0 when the command has ended.
func (d *detached) pid() uint32 {
	if d.stream.exited {
		return 0
	}
	return uint32(d.stream.pid)
}

// options are those of EXEC; that of input is gone when the input has ended.
func (d *detached) options() (bits byte) {
	if d.input && !d.stream.lastIn && !d.stream.exited {
		bits |= request.OptionStdin
	}
	if d.stream.terminal {
		bits |= request.OptionPTY
	}
	return bits
}

func (p *Port) detach(f *frame.Frame) (why string) {
	if len(f.Payload) != 0 {
		return "malformed DETACH"
	}
	if s := p.streams[f.Stream]; s != nil && s.detached != nil {
		s.detach()
		s.wake()
	}
	return ""
}

func (p *Port) list(f *frame.Frame) (why string) {
	if len(f.Payload) != 0 {
		return "malformed LIST"
	}
	if len(p.ctl) >= ctlHigh { // the answer is far longer than the request
		p.failed(f.Stream, 0, "limit", "too many LIST requests at once")
		return ""
	}
	b := frame.AppendU32(nil, uint32(len(p.loop.detached)))
	for _, d := range p.loop.detached {
		b = d.describe(b)
	}
	p.control(frame.OutListed, f.Stream, b)
	return ""
}

// describe adds what LISTED tells of a command.
func (d *detached) describe(b []byte) []byte {
	kind, code := kindRunning, uint32(0)
	if d.stream.exited {
		kind, code = outcome(d.stream.status)
	}
	b = frame.AppendU32(frame.AppendStr(b, d.name), d.pid())
	b = frame.AppendU32(append(b, kind), code)
	b = frame.AppendU64(b, d.started)
	b = frame.AppendU64(b, d.ring.oldest)
	b = frame.AppendU64(b, d.ring.end)
	return frame.AppendStr(b, d.program)
}

func (p *Port) forget(f *frame.Frame) (why string) {
	name, ok := request.ParseName(f.Payload)
	if !ok {
		return "malformed FORGET"
	}
	d := p.loop.known(name)
	switch {
	case d == nil:
		p.failed(f.Stream, 0, "notFound", noCommand)
	case !d.stream.exited:
		p.failed(f.Stream, 0, "badRequest", "the command still runs")
	default:
		p.loop.forget(d)
		p.control(frame.OutOK, f.Stream, nil)
	}
	return ""
}
