package agent

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"smolvm/guest/frame"
)

// job is a detached command.
func job(name, script string) *command {
	c := sh(script)
	c.name, c.stdin = name, true
	return c
}

func attachPayload(name string, cursor uint64, out, err uint32) []byte {
	b := frame.AppendU64(frame.AppendStr(nil, name), cursor)
	return frame.AppendU32(frame.AppendU32(b, out), err)
}

// attached is what ATTACHED tells.
type attached struct {
	pid     int
	cursor  uint64
	options byte
}

// attach connects stream id with plenty of credit.
func (h *host) attach(id uint32, name string, cursor uint64) attached {
	h.t.Helper()
	return h.attachWith(id, name, cursor, plenty, plenty)
}

func (h *host) attachWith(id uint32, name string, cursor uint64, out, err uint32) attached {
	h.t.Helper()
	h.send(frame.Attach, 0, id, attachPayload(name, cursor, out, err))
	for {
		switch r := h.recv(); {
		case r.stream != id:
		case r.typ == frame.OutAttached && len(r.payload) == 13:
			return attached{int(frame.U32(r.payload)), frame.U64(r.payload[4:]), r.payload[12]}
		default:
			h.t.Fatalf("answer to ATTACH: %#x %q", r.typ, r.payload)
		}
	}
}

// refused returns the code of a request's FAILED; empty: it was OK.
func (h *host) refused(typ byte, id uint32, payload []byte) string {
	h.t.Helper()
	h.send(typ, 0, id, payload)
	for {
		if r := h.recv(); r.stream == id {
			c := &command{}
			c.take(r)
			return c.failed
		}
	}
}

type listed struct {
	name           string
	pid            int
	kind           byte
	code           uint32
	started        uint64
	oldest, newest uint64
	program        string
}

func (h *host) list() (all []listed) {
	h.t.Helper()
	h.send(frame.List, 0, 99, nil)
	p := h.until(frame.OutListed).payload
	str := func() string {
		n := frame.U32(p)
		s := string(p[4 : 4+n])
		p = p[4+n:]
		return s
	}
	n := frame.U32(p)
	p = p[4:]
	for range n {
		e := listed{name: str()}
		e.pid, e.kind, e.code = int(frame.U32(p)), p[4], frame.U32(p[5:])
		e.started, e.oldest, e.newest = frame.U64(p[9:]), frame.U64(p[17:]), frame.U64(p[25:])
		p = p[33:]
		e.program = str()
		all = append(all, e)
	}
	if len(p) != 0 {
		h.t.Fatalf("%d bytes after the list", len(p))
	}
	return all
}

func (h *host) find(name string) listed {
	h.t.Helper()
	for _, e := range h.list() {
		if e.name == name {
			return e
		}
	}
	h.t.Fatal("not listed: " + name)
	return listed{}
}

// bye ends the session and begins the next one.
func (h *host) bye() {
	h.t.Helper()
	h.send(frame.Bye, 0, 0, nil)
	h.until(frame.OutBye)
	h.hello()
}

// ended waits for the end of a command that no session is attached to.
func (h *host) ended(name string) (e listed) {
	h.t.Helper()
	eventually(h.t, "the end of "+name, func() bool { e = h.find(name); return e.pid == 0 })
	return e
}

// files is how many this process has open.
func files(t *testing.T) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}
