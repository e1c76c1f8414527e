package agent

import (
	"strconv"
	"strings"
	"testing"

	"smolvm/guest/frame"
	"smolvm/guest/request"
)

func TestDetachedSurvives(t *testing.T) {
	h := one(t)
	plain := h.started(7)
	c := h.exec(1, job("a.B-c_9", "echo one; while read line; do echo got $line; done; echo end >&2; exit 3"))
	h.see(1, c, "one\n")
	h.bye()
	eventually(t, "the other command is killed", gone(plain))
	if at := h.attach(2, "a.B-c_9", 4); at != (attached{c.pid, 4, request.OptionStdin}) {
		t.Fatalf("%+v", at)
	}
	c.stdout = nil
	h.send(frame.Stdin, 0, 2, []byte("x\n"))
	h.see(2, c, "got x\n")
	h.hello() // this time the session just breaks off
	if at := h.attach(1, "a.B-c_9", 10); at.cursor != 10 {
		t.Fatalf("%+v", at)
	}
	c.stdout = nil
	h.send(frame.Stdin, 1, 1, []byte("y\n"))
	if h.wait(1, c); string(c.stdout) != "got y\n" || string(c.stderr) != "end\n" || c.code != 3 || c.rss == 0 {
		t.Fatalf("%+v", c)
	}
	for range 2 { // the end can be had as often as one likes
		again := &command{}
		if at := h.attach(3, "a.B-c_9", 0); at != (attached{0, 0, 0}) {
			t.Fatalf("%+v", at)
		}
		h.wait(3, again)
		if string(again.stdout) != "one\ngot x\ngot y\n" || string(again.stderr) != "end\n" || again.code != 3 || again.cpu != c.cpu {
			t.Fatalf("%+v", again)
		}
	}
}

func TestDetachedOutput(t *testing.T) {
	h := one(t)
	for _, tc := range []struct{ lines, dropped int }{{20_000, 0}, {200_000, 1}} {
		name, want := strconv.Itoa(tc.lines), numbers(tc.lines)
		c := job(name, "exec seq "+name)
		c.out = 50_000
		h.exec(1, c)
		eventually(t, "all credit is used", func() bool { c.take(h.recv()); return len(c.stdout) == 50_000 })
		held := uint64(min(len(want), 50_000+ringSize))
		eventually(t, "the command ends or waits", func() bool {
			return h.find(name).newest == held && strings.Contains("ZS", state(c.pid))
		})
		h.bye()
		e := h.ended(name)
		first := max(0, len(want)-ringSize)
		if e.newest != uint64(len(want)) || e.oldest != uint64(first) || tc.dropped != min(first, 1) {
			t.Fatalf("%+v", e)
		}
		at := h.attach(2, name, 50_000)
		if at.cursor != uint64(max(first, 50_000)) {
			t.Fatalf("%+v", at)
		}
		if h.wait(2, c); string(c.stdout) != want[:50_000]+want[at.cursor:] {
			t.Fatalf("%d bytes from %d", len(c.stdout), at.cursor)
		}
	}
}

func TestDetachedBackpressure(t *testing.T) {
	h := one(t)
	want := numbers(200_000)
	c := job("j", "seq 200000")
	c.out = 10
	h.exec(1, c)
	eventually(t, "the ring is full", func() bool { return h.find("j").newest == 10+ringSize })
	if e := h.find("j"); e.pid == 0 || e.kind != kindRunning || e.oldest != 10 {
		t.Fatalf("%+v", e)
	}
	c.stdout = []byte(want[:10])
	h.credit(1, request.Stdout, plenty)
	if h.wait(1, c); string(c.stdout) != want || c.code != 0 {
		t.Fatalf("%d bytes, %+v", len(c.stdout), c.code)
	}
	// What is held up for a session goes on when the session lets go.
	slow := job("slow", "exec seq 200000")
	slow.out = 10
	h.exec(1, slow)
	slow.take(h.until(frame.OutStarted))
	eventually(t, "the ring is full", func() bool { return h.find("slow").newest == 10+ringSize && state(slow.pid) == "S" })
	h.send(frame.Detach, 0, 1, nil)
	if r := h.until(frame.OutDetached); r.stream != 1 || len(r.payload) != 0 {
		t.Fatalf("%+v", r)
	}
	if e := h.ended("slow"); e.newest != uint64(len(want)) || e.oldest != e.newest-ringSize {
		t.Fatalf("%+v", e)
	}
	h.send(frame.Detach, 0, 1, nil) // crosses with the end of the stream
	if got := h.ping(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
}

// Output comes in the order of reading: bytes without credit hold up those of
// the other channel behind them.
func TestDetachedChannels(t *testing.T) {
	h := one(t)
	c := job("j", "printf 1; sleep 0.05; printf 22 >&2; sleep 0.05; printf 333; exit 5")
	h.run(1, c)
	h.attachWith(1, "j", 0, plenty, 0)
	c = &command{}
	for _, r := range h.ping() {
		c.take(r)
	}
	if string(c.stdout) != "1" || len(c.stderr) != 0 {
		t.Fatalf("%+v", c)
	}
	h.credit(1, request.Stderr, 1)
	h.credit(1, request.Stderr, 1)
	if h.wait(1, c); string(c.stdout) != "1333" || string(c.stderr) != "22" || c.code != 5 {
		t.Fatalf("%+v", c)
	}
	c = &command{}
	h.attach(1, "j", 2)
	if h.wait(1, c); string(c.stdout) != "333" || string(c.stderr) != "2" {
		t.Fatalf("%+v", c)
	}
}

// A command that nobody reads never blocks, and does not keep the agent from
// its other work.
func TestDetachedFlood(t *testing.T) {
	h := one(t)
	c := h.exec(1, job("j", "yes & yes >&2"))
	c.take(h.until(frame.OutStarted))
	h.bye()
	eventually(t, "output is dropped", func() bool { return h.find("j").oldest > 8<<20 })
	h.exec(1, job("early", "exec head -c 5000000 /dev/zero"))
	h.bye()
	h.ended("early")
	if other := h.run(3, sh("seq 100000")); string(other.stdout) != numbers(100_000) {
		t.Fatalf("%d bytes", len(other.stdout))
	}
	if at := h.attachWith(2, "j", 0, 0, 0); at.cursor < 8<<20 {
		t.Fatalf("%+v", at)
	}
	h.send(frame.Signal, 0, 2, []byte{9, 0, 0, 0, 0})
	h.credit(2, request.Stdout, plenty)
	h.credit(2, request.Stderr, plenty)
	if h.wait(2, c); c.kind != 1 || c.code != 9 {
		t.Fatalf("%+v", c)
	}
}

// It goes on though nothing else happens.
func TestDetachedAlone(t *testing.T) {
	h := one(t)
	c := h.exec(1, job("j", "exec head -c 5000000 /dev/zero"))
	c.take(h.until(frame.OutStarted))
	h.send(frame.Bye, 0, 0, nil)
	h.until(frame.OutBye)
	eventually(t, "the command ends", gone(c.pid))
}

func TestDetachedTerminal(t *testing.T) {
	h := one(t)
	c := tty("trap 'stty size' WINCH; echo $$; cat; exit 6")
	c.name = "t"
	h.exec(1, c)
	h.see(1, c, "\r\n")
	h.bye()
	if at := h.attach(4, "t", 0); at.options != request.OptionStdin|request.OptionPTY || at.cursor != 0 {
		t.Fatalf("%+v", at)
	}
	c.stdout = nil
	h.see(4, c, strconv.Itoa(c.pid)+"\r\n")
	h.send(frame.Stdin, 0, 4, []byte("hi\n"))
	h.see(4, c, "hi\r\nhi\r\n")
	h.send(frame.Resize, 0, 4, sizePayload(3, 4)) // told when cat has ended
	h.send(frame.Stdin, 1, 4, nil)
	if h.wait(4, c); !strings.HasSuffix(string(c.stdout), "3 4\r\n") || c.code != 6 {
		t.Fatalf("%q %+v", c.stdout, c.code)
	}
	// All that the terminal holds at the end is kept.
	c = &command{argv: []string{"seq", "3000"}, pty: true, name: "u"}
	h.exec(1, c)
	h.bye()
	h.ended("u")
	c.stdout = nil
	h.attach(1, "u", 0)
	if h.wait(1, c); string(c.stdout) != strings.ReplaceAll(numbers(3000), "\n", "\r\n") {
		t.Fatalf("%d bytes", len(c.stdout))
	}
}
