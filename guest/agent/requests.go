package agent

import (
	"syscall"

	"smolvm/guest/frame"
	"smolvm/guest/request"
	"smolvm/guest/sys"
)

func (p *Port) stdin(f *frame.Frame) (why string) {
	s := p.streams[f.Stream]
	if s == nil {
		return ""
	}
	if !s.write(f.Payload, f.Flags&1 != 0) {
		return "more STDIN than the window allows"
	}
	return ""
}

func (p *Port) signal(f *frame.Frame) (why string) {
	sig, ok := request.ParseSignal(f.Payload)
	if !ok {
		return "malformed SIGNAL"
	}
	if s := p.streams[f.Stream]; s != nil && !s.exited {
		pid := s.pid
		if sig.Group {
			pid = -pid
		}
		sys.Kill(pid, sig.Number)
	}
	return ""
}

func (p *Port) credit(f *frame.Frame) (why string) {
	channel, n, ok := request.ParseCredit(f.Payload)
	if !ok {
		return "malformed CREDIT"
	}
	if s := p.streams[f.Stream]; s != nil {
		s.outs[channel-1].credit += uint64(n)
		s.wake()
	}
	return ""
}

func (p *Port) ping(f *frame.Frame) (why string) {
	if len(f.Payload) > 64 {
		return "PING is longer than 64 bytes"
	}
	p.control(frame.OutPong, f.Stream, f.Payload)
	return ""
}

func (p *Port) sync(f *frame.Frame) (why string) {
	if len(f.Payload) != 0 {
		return "malformed SYNC"
	}
	if !p.loop.jobs.add(waiter{p, p.session, f.Stream}) {
		p.failed(f.Stream, 0, "limit", "too many SYNC requests at once")
	}
	return ""
}

func (p *Port) powerOff(f *frame.Frame) (why string) {
	if len(f.Payload) != 4 {
		return "malformed SHUTDOWN"
	}
	if p.notOurs(f) {
		return ""
	}
	p.control(frame.OutOK, f.Stream, nil)
	p.output()
	p.loop.beginShutdown(frame.U32(f.Payload))
	return ""
}

func (p *Port) time(f *frame.Frame) (why string) {
	if len(f.Payload) != 8 {
		return "malformed TIME"
	}
	if p.notOurs(f) {
		return ""
	}
	p.answer(f.Stream, sys.SetClock(frame.U64(f.Payload)))
	return ""
}

func (p *Port) entropy(f *frame.Frame) (why string) {
	if n := len(f.Payload); n < 1 || n > 512 {
		return "malformed ENTROPY"
	}
	if p.notOurs(f) {
		return ""
	}
	p.answer(f.Stream, sys.AddEntropy(f.Payload))
	return ""
}

// notOurs refuses what only an agent does that owns the machine.
func (p *Port) notOurs(f *frame.Frame) bool {
	if p.loop.host.NoMachine {
		p.failed(f.Stream, uint32(syscall.EPERM), "request", "this agent does not own the machine")
	}
	return p.loop.host.NoMachine
}

// answer sends OK, or FAILED with the errno of a system call.
func (p *Port) answer(id uint32, res int) {
	if res >= 0 {
		p.control(frame.OutOK, id, nil)
		return
	}
	p.failed(id, uint32(-res), "request", syscall.Errno(-res).Error())
}
