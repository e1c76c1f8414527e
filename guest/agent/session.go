package agent

import (
	"smolvm/guest/frame"
	"smolvm/guest/request"
)

// capabilities of any agent; those of one that owns the machine; and of one
// that outlives its sessions.
var (
	capabilities = [...]string{"exec", "stdin", "signal", "ping", "sync", "pty", "tools", "area"}
	ofMachine    = [...]string{"shutdown", "time", "entropy"}
)

const ofProcess1 = "detach"

func (l *Loop) capabilities() []string {
	all := capabilities[:]
	if !l.host.NoMachine {
		all = append(all[:len(all):len(all)], ofMachine[:]...)
	}
	if !l.stdio {
		all = append(all[:len(all):len(all)], ofProcess1)
	}
	return all
}

// take handles bytes from the host.
func (p *Port) take(data []byte) {
	var f frame.Frame
	for len(data) > 0 && p.fd >= 0 {
		var res frame.Result
		data, res = p.dec.Next(data, &f)
		switch res {
		case frame.Got:
			if why := p.handle(&f); why != "" {
				p.dec.Hunt()
				p.breach(why)
			}
		case frame.Breach:
			p.breach("malformed frame")
		}
	}
}

// handle does what one frame asks for. An answer means that it is a breach.
func (p *Port) handle(f *frame.Frame) (why string) {
	switch f.Type {
	case frame.Hello:
		return p.hello(f)
	case frame.Exec:
		return p.exec(f)
	case frame.Stdin:
		return p.stdin(f)
	case frame.Signal:
		return p.signal(f)
	case frame.Credit:
		return p.credit(f)
	case frame.Ping:
		return p.ping(f)
	case frame.Sync:
		return p.sync(f)
	case frame.Shutdown:
		return p.powerOff(f)
	case frame.Time:
		return p.time(f)
	case frame.Entropy:
		return p.entropy(f)
	case frame.Resize:
		return p.resize(f)
	case frame.Attach:
		return p.attach(f)
	case frame.Detach:
		return p.detach(f)
	case frame.List:
		return p.list(f)
	case frame.Forget:
		return p.forget(f)
	case frame.Bye:
		return p.bye()
	}
	return "unknown frame type"
}

func (p *Port) bye() (why string) {
	p.control(frame.OutBye, 0, nil)
	p.dec.Close()
	p.close()
	return ""
}

// hello begins a new session in place of the old one.
func (p *Port) hello(f *frame.Frame) (why string) {
	h, ok := request.ParseHello(f.Payload)
	if !ok {
		return "malformed HELLO"
	}
	p.endSession()
	p.tag, p.live = f.Tag, true
	p.session++
	p.ctl = append(p.ctl, h.Nonce[:]...)
	if h.Lowest > request.Version || h.Highest < request.Version {
		return "no common protocol version: this agent speaks 1"
	}
	p.streams, p.parts = map[uint32]*Stream{}, nil
	host := &p.loop.host
	b := []byte{request.Version, 0}
	b = frame.AppendStr(b, Version)
	b = frame.AppendStr(b, host.BootID)
	b = frame.AppendStr(b, host.RootErr)
	b = frame.AppendU32(b, stdinWindow)
	b = frame.AppendU32(b, maxCommands)
	all := p.loop.capabilities()
	b = frame.AppendU32(b, uint32(len(all)))
	for _, name := range all {
		b = frame.AppendStr(b, name)
	}
	p.control(frame.OutHello, 0, b)
	p.loop.greeted = true
	return ""
}

// breach tells the host what it did wrong and ends the session.
func (p *Port) breach(why string) {
	if !p.live {
		return
	}
	p.control(frame.OutError, 0, frame.AppendStr(nil, why))
	p.close()
}

// close ends the session but lets its last control frames out.
func (p *Port) close() {
	p.live = false
	for _, s := range p.streams {
		s.abandon()
	}
	for id := range p.parts {
		p.dropParts(id)
	}
	p.run = p.run[:0]
	p.streams, p.parts = nil, nil
}

// endSession ends the session and drops all that it had to send. A port that
// was full may be empty for the next session: it is tried again.
func (p *Port) endSession() {
	p.close()
	p.ctl = p.ctl[:0]
	p.out, p.head = p.out[:0], 0
}

// failed answers a request that could not be carried out.
func (p *Port) failed(id uint32, errno uint32, code, message string) {
	const most = 512
	if len(message) > most {
		message = message[:most]
	}
	b := frame.AppendU32(nil, errno)
	b = frame.AppendStr(b, code)
	p.control(frame.OutFailed, id, frame.AppendStr(b, message))
}
