package agent

import (
	"strings"
	"testing"
	"time"

	"smolvm/guest/frame"
)

func TestDetachedTakeover(t *testing.T) {
	_, hosts := serve(t, 2, Host{})
	a, b := hosts[0], hosts[1]
	a.hello()
	b.hello()
	c := a.exec(1, job("j", "while read line; do echo $line; done; seq 200000; read line; exit 4"))
	a.until(frame.OutStarted)
	if at := b.attach(5, "j", 0); at.pid == 0 {
		t.Fatalf("%+v", at)
	}
	if r := a.recv(); r.typ != frame.OutDetached || r.stream != 1 {
		t.Fatalf("%+v", r)
	}
	a.send(frame.Stdin, 1, 1, []byte("from nobody\n"))
	if got := a.ping(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	b.send(frame.Stdin, 0, 5, []byte("hello\n"))
	b.see(5, c, "hello\n")
	b.attachWith(6, "j", 0, 3, 0) // and in the same session
	b.send(frame.Stdin, 1, 6, nil)
	// Nothing is lost on the way from a session without credit to another one.
	eventually(t, "the ring is full", func() bool { return a.find("j").newest == 3+ringSize })
	c.stdout = nil
	if at := a.attach(1, "j", 3); at.cursor != 3 {
		t.Fatalf("%+v", at)
	}
	if a.wait(1, c); string(c.stdout) != "lo\n"+numbers(200_000) || c.code != 4 {
		t.Fatalf("%d bytes, %+v", len(c.stdout), c.code)
	}
	for _, r := range b.ping() {
		if r.typ == frame.OutExit {
			t.Fatal("EXIT on a stream that was taken over")
		}
	}
}

// A stream that waits for a full port must not write to it when it has left.
func TestDetachedLeavesFullPort(t *testing.T) {
	_, hosts := serve(t, 2, Host{})
	a, b := hosts[0], hosts[1]
	a.hello()
	b.hello()
	c := job("j", "yes 0123456")
	c.out = 1 << 30
	a.exec(1, c)
	var was, now uint64
	eventually(t, "the port is full", func() bool {
		time.Sleep(5 * time.Millisecond)
		was, now = now, b.find("j").newest
		return now > ringSize && was == now
	})
	at := b.attachWith(2, "j", now-ringSize, 1<<30, 0) // has something to send all the time
	b.see(2, c, strings.Repeat("0123456\n"[at.cursor%8:]+"0123456\n"[:at.cursor%8], plenty/8-1))
	total := 0
	for r := a.recv(); r.typ != frame.OutDetached; r = a.recv() {
		if r.typ == frame.OutStdout {
			total += len(r.payload)
		}
	}
	if got := a.ping(); len(got) != 0 || total == 0 {
		t.Fatalf("%d bytes, then %d frames", total, len(got))
	}
}
