package agent

import (
	"smolvm/guest/frame"
	"smolvm/guest/request"
)

const (
	moreParts  = 0x01
	maxRefused = 64 // requests of one session that are being skipped
)

// assembly is an EXEC of several parts. A refused one keeps no bytes: its
// parts are skipped and the answer follows the last one.
type assembly struct {
	data    []byte
	code    string
	refused string
}

// exec takes an EXEC or a part of one.
func (p *Port) exec(f *frame.Frame) (why string) {
	if p.streams[f.Stream] != nil {
		return "EXEC on an open stream"
	}
	a := p.parts[f.Stream]
	if a == nil && f.Flags&moreParts == 0 {
		p.start(f.Stream, f.Payload)
		return ""
	}
	if a == nil {
		if a = p.newAssembly(f.Stream); a == nil {
			return "too many EXEC requests in parts"
		}
	}
	if a.refused == "" && len(a.data)+len(f.Payload) > request.MaxExec {
		a.refuse(p.loop, "badRequest", "request is larger than 2 MiB")
	}
	if a.refused == "" {
		a.data = append(a.data, f.Payload...)
	}
	if f.Flags&moreParts != 0 {
		return ""
	}
	p.dropParts(f.Stream)
	if a.refused != "" {
		p.failed(f.Stream, 0, a.code, a.refused)
	} else {
		p.start(f.Stream, a.data)
	}
	return ""
}

func (p *Port) newAssembly(id uint32) *assembly {
	if len(p.parts) >= maxRefused {
		return nil
	}
	if p.parts == nil {
		p.parts = map[uint32]*assembly{}
	}
	a := &assembly{}
	p.parts[id] = a
	p.loop.parts++
	if p.loop.parts > maxParts {
		a.refuse(p.loop, "limit", "too many EXEC requests in parts at once")
	}
	return a
}

func (a *assembly) refuse(l *Loop, code, why string) {
	a.data, a.code, a.refused = nil, code, why
	l.parts--
}

func (p *Port) dropParts(id uint32) {
	if a := p.parts[id]; a != nil && a.refused == "" {
		p.loop.parts--
	}
	delete(p.parts, id)
}

// start begins the command that a whole request asks for.
func (p *Port) start(id uint32, payload []byte) {
	r, err := request.ParseExec(payload)
	if err != nil {
		p.failed(id, 0, "badRequest", err.Error())
		return
	}
	l := p.loop
	switch {
	case l.host.RootErr != "":
		p.failed(id, 0, "noRoot", l.host.RootErr)
	case l.shutdown.stage != stageNone:
		p.failed(id, 0, "spawn", "the machine is shutting down")
	case l.commands >= maxCommands:
		p.failed(id, 0, "limit", "1024 commands run already")
	default:
		fail := l.refuse(r.Detached)
		if fail == nil {
			fail = p.spawn(id, r)
		}
		if fail != nil {
			p.failed(id, uint32(fail.errno), fail.code, fail.message)
		}
	}
}
