package agent

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"smolvm/guest/frame"
)

func TestHello(t *testing.T) {
	h := one(t)
	r := h.hello()
	for _, want := range []string{Version, "test-boot", "shutdown"} {
		if !strings.Contains(string(r.payload), want) {
			t.Errorf("no %q in %q", want, r.payload)
		}
	}
	h.knock(2, 9)
	if r := h.recv(); r.typ != frame.OutError || !strings.Contains(string(r.payload), "version") {
		t.Fatalf("%#x %q", r.typ, r.payload)
	}
	h.knock(0, 5)
	if r := h.recv(); r.typ != frame.OutHello {
		t.Fatalf("%#x %q", r.typ, r.payload)
	}
}

// started runs a command that stays and returns its pid.
func (h *host) started(id uint32) int {
	h.t.Helper()
	c := h.exec(id, &command{argv: []string{"sleep", "1000"}})
	c.take(h.until(frame.OutStarted))
	return c.pid
}

func TestTakeover(t *testing.T) {
	_, hosts := serve(t, 1, Host{})
	h := hosts[0]
	whole := sh("true").payload()
	frames := frame.Append(nil, 0x11111111, frame.Exec, 0, 9, whole)
	for cut := 0; cut < len(frames); cut++ { // the old host dies after any byte
		h.hello()
		pid := 0
		if cut%16 == 0 {
			pid = h.started(1)
		}
		frames = frame.Append(frames[:0], h.tag, frame.Exec, 0, 9, whole)
		h.write(frames[:cut])
		h.hello()
		if got := h.ping(); len(got) != 0 {
			t.Fatalf("cut at %d: the new session got %+v", cut, got)
		}
		if pid != 0 {
			eventually(t, "the old session's command is killed", gone(pid))
		}
	}
}

// The new host must get its nonce though the old one left a full port behind.
func TestTakeoverOfFullPort(t *testing.T) {
	h := one(t)
	h.exec(1, &command{argv: []string{"cat", "/dev/zero"}, out: 1 << 30})
	for range 100 {
		h.recv()
	}
	h.hello()
	if got := h.ping(); len(got) != 0 {
		t.Fatalf("leftovers of the old session: %d frames", len(got))
	}
}

func TestByeAndEndOfFile(t *testing.T) {
	_, hosts := serve(t, 2, Host{})
	a, b := hosts[0], hosts[1]
	a.hello()
	b.hello()
	first, second := a.started(1), b.started(1)
	a.send(frame.Bye, 0, 0, nil)
	a.until(frame.OutBye)
	eventually(t, "BYE kills", gone(first))
	if syscall.Kill(second, 0) != nil {
		t.Fatal("the command of another session was killed")
	}
	b.close()
	eventually(t, "the end of file kills", gone(second))
	a.hello()
	if c := a.run(1, sh("exit 2")); c.code != 2 {
		t.Fatalf("%+v", c)
	}
}

func TestBreaches(t *testing.T) {
	_, hosts := serve(t, 1, Host{})
	h := hosts[0]
	bad := func(name string, raw func() []byte) {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.hello()
			pid := h.started(1)
			h.write(raw())
			h.until(frame.OutError)
			eventually(t, "the command is killed", gone(pid))
			h.write([]byte("noise\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01noise"))
		})
	}
	f := func(typ, flags byte, stream uint32, payload string) func() []byte {
		return func() []byte { return frame.Append(nil, h.tag, typ, flags, stream, []byte(payload)) }
	}
	bad("type", f(0x11, 0, 0, ""))
	bad("answer type", f(frame.OutHello, 0, 0, ""))
	bad("tag", func() []byte { return frame.Append(nil, h.tag^0x10, frame.Ping, 0, 0, nil) })
	bad("reserved", func() []byte { b := f(frame.Ping, 0, 0, "")(); b[2] = 1; return b })
	bad("length", func() []byte { b := f(frame.Ping, 0, 0, "")(); b[10] = 1; return b })
	bad("open stream", func() []byte { return frame.Append(nil, h.tag, frame.Exec, 0, 1, sh("true").payload()) })
	bad("ping", f(frame.Ping, 0, 0, strings.Repeat("x", 65)))
	bad("signal size", f(frame.Signal, 0, 1, "\x09\x00\x00\x00"))
	bad("signal number", f(frame.Signal, 0, 1, "\x00\x00\x00\x00\x00"))
	bad("credit channel", f(frame.Credit, 0, 1, "\x03\x00\x00\x00\x00"))
	bad("sync", f(frame.Sync, 0, 0, "x"))
	bad("shutdown", f(frame.Shutdown, 0, 0, ""))
	bad("time", f(frame.Time, 0, 0, "1234567"))
	bad("entropy", f(frame.Entropy, 0, 0, ""))
	bad("resize", f(frame.Resize, 0, 1, "\x01\x00\x02"))
	bad("attach", f(frame.Attach, 0, 2, "\x01\x00\x00\x00a\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"))
	bad("attach NUL", func() []byte { return frame.Append(nil, h.tag, frame.Attach, 0, 2, attachPayload("a\x00", 0, 1, 1)) })
	bad("attach stream", func() []byte { return frame.Append(nil, h.tag, frame.Attach, 0, 1, attachPayload("a", 0, 1, 1)) })
	bad("detach", f(frame.Detach, 0, 1, "x"))
	bad("list", f(frame.List, 0, 2, "x"))
	bad("forget", f(frame.Forget, 0, 2, "\x02\x00\x00\x00a"))
	bad("hello magic", f(frame.Hello, 0, 0, strings.Repeat("x", frame.HelloSize)))
	h.t = t
	h.hello()
	if c := h.run(1, sh("exit 6")); c.code != 6 {
		t.Fatalf("%+v", c)
	}
}

// Frames for streams that are not open cross with EXIT: they mean nothing.
func TestStrayFrames(t *testing.T) {
	h := one(t)
	h.send(frame.Stdin, 1, 44, []byte("x"))
	h.credit(44, 1, 10)
	h.send(frame.Signal, 0, 44, []byte{9, 0, 0, 0, 0})
	h.send(frame.Resize, 0, 44, sizePayload(1, 1))
	h.send(frame.Detach, 0, 44, nil)
	if got := h.ping(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
}

func TestPingFlood(t *testing.T) {
	loop, hosts := serve(t, 1, Host{})
	h := hosts[0]
	h.hello()
	const pings = 100_000
	one := frame.Append(nil, h.tag, frame.Ping, 0, 1, []byte("0123456789"))
	done := make(chan bool)
	go func() {
		for range pings {
			if _, err := syscall.Write(h.fd, one); err != nil {
				break
			}
		}
		close(done)
	}()
	for range pings {
		if r := h.recv(); r.typ != frame.OutPong {
			t.Fatalf("%#x", r.typ)
		}
	}
	<-done
	h.stop()
	for _, tg := range loop.targets {
		if tg.port != nil && cap(tg.port.ctl) > 256<<10 {
			t.Fatalf("answers piled up: %d bytes", cap(tg.port.ctl))
		}
	}
}

func TestSync(t *testing.T) {
	h := one(t)
	for id := uint32(1); id <= 5; id++ {
		h.send(frame.Sync, 0, id, nil)
	}
	for id := uint32(1); id <= 5; id++ {
		if r := h.recv(); r.typ != frame.OutOK || r.stream != id {
			t.Fatalf("%#x %d", r.typ, r.stream)
		}
	}
}

func TestShutdown(t *testing.T) {
	off := make(chan bool)
	var signals, pid atomic.Int32
	host := Host{
		Signal: func(sig syscall.Signal) { // not all processes of this machine!
			signals.Add(1)
			syscall.Kill(-int(pid.Load()), sig)
		},
		PowerOff: func() { close(off) },
	}
	_, hosts := serve(t, 1, host)
	h := hosts[0]
	h.hello()
	c := h.exec(1, sh("trap '' TERM; echo ready; while :; do sleep 0.01; done"))
	for len(c.stdout) == 0 {
		c.take(h.recv())
	}
	pid.Store(int32(c.pid))
	h.send(frame.Shutdown, 0, 8, frame.AppendU32(nil, 50))
	if r := h.recv(); r.typ != frame.OutOK || r.stream != 8 {
		t.Fatalf("%#x", r.typ)
	}
	if late := h.run(2, sh("true")); late.failed != "spawn" {
		t.Fatalf("%+v", late)
	}
	if h.wait(1, c); c.kind != 1 || c.code != 9 {
		t.Fatalf("%+v", c)
	}
	<-off
	if signals.Load() != 3 { // TERM, CONT, KILL
		t.Fatalf("%d signals", signals.Load())
	}
}
