package agent

import (
	"math/rand/v2"
	"testing"

	"smolvm/guest/frame"
	"smolvm/guest/request"
)

// reader is one attachment to a command; at is its cursor.
type reader struct {
	host *host
	id   uint32
	at   uint64
}

// Attachments come, starve, end and take over in any order: what they see must
// be one and the same output.
func TestDetachedChaos(t *testing.T) {
	_, hosts := serve(t, 2, Host{})
	for _, h := range hosts {
		h.hello()
	}
	random := rand.New(rand.NewPCG(3, 4))
	c := hosts[0].exec(1, job("j", "while seq 3000; do seq 7000 7999 >&2; done"))
	c.take(hosts[0].until(frame.OutStarted))
	seen := map[uint64]uint16{} // byte and channel by cursor
	r := &reader{host: hosts[0], id: 1}
	for step := uint32(2); step < 80 || len(seen) < 1<<19; step++ {
		if step > 5000 {
			t.Fatalf("only %d bytes were seen", len(seen))
		}
		for range random.IntN(6) {
			r.read(t, seen)
		}
		h, asked := hosts[random.IntN(2)], r.at-min(r.at, random.Uint64N(100_000))
		switch random.IntN(5) {
		case 0:
			r.host.bye()
		case 1:
			r.host.hello()
		case 2:
			r.host.send(frame.Detach, 0, r.id, nil)
		}
		at := h.attachWith(step, "j", asked, random.Uint32N(30_000), random.Uint32N(30_000))
		if at.cursor < asked || at.pid != c.pid {
			t.Fatalf("asked for %d: %+v", asked, at)
		}
		r = &reader{host: h, id: step, at: at.cursor}
	}
}

// read takes what has come before a PONG, and gives some credit.
func (r *reader) read(t *testing.T, seen map[uint64]uint16) {
	t.Helper()
	r.host.credit(r.id, request.Stdout, 20_000)
	r.host.credit(r.id, request.Stderr, 20_000)
	for _, f := range r.host.ping() {
		if f.stream != r.id || f.typ != frame.OutStdout && f.typ != frame.OutStderr {
			continue
		}
		for _, b := range f.payload {
			tagged := uint16(f.typ)<<8 | uint16(b)
			if was, ok := seen[r.at]; ok && was != tagged {
				t.Fatalf("at %d: %#x, before %#x", r.at, tagged, was)
			}
			seen[r.at] = tagged
			r.at++
		}
	}
}
