package agent

import (
	"smolvm/guest/frame"
	"smolvm/guest/request"
)

// command is an EXEC request and, later, its outcome.
type command struct {
	argv, env []string
	cwd, user string
	stdin     bool
	tool      bool
	pty       bool
	size      [2]uint16 // rows and columns of the terminal
	name      string    // of a detached command
	out, err  uint32    // credit; 0: plenty

	pid            int
	stdout, stderr []byte
	kind           byte
	code           uint32
	holder         bool
	cpu, rss       uint64
	errno          uint32
	failed, why    string
}

const plenty = 1 << 20

func strs(b []byte, list []string) []byte {
	b = frame.AppendU32(b, uint32(len(list)))
	for _, s := range list {
		b = frame.AppendStr(b, s)
	}
	return b
}

func (c *command) payload() []byte {
	if c.out == 0 {
		c.out = plenty
	}
	if c.err == 0 {
		c.err = plenty
	}
	b := []byte{0}
	if c.stdin {
		b[0] |= 1
	}
	if c.pty {
		b[0] |= 2
	}
	if c.name != "" {
		b[0] |= 4
	}
	if c.tool {
		b[0] |= 8
	}
	b = frame.AppendU32(frame.AppendU32(b, c.out), c.err)
	if c.pty {
		b = append(b, sizePayload(c.size[0], c.size[1])...)
	}
	b = frame.AppendStr(frame.AppendStr(b, c.cwd), c.user)
	b = strs(strs(b, c.argv), c.env)
	if c.name != "" {
		b = frame.AppendStr(b, c.name)
	}
	return b
}

func sizePayload(rows, columns uint16) []byte {
	return []byte{byte(rows), byte(rows >> 8), byte(columns), byte(columns >> 8)}
}

// exec sends a command in as many parts as it takes.
func (h *host) exec(id uint32, c *command) *command {
	h.t.Helper()
	p := c.payload()
	for len(p) > frame.MaxIn {
		h.send(frame.Exec, moreParts, id, p[:frame.MaxIn])
		p = p[frame.MaxIn:]
	}
	h.send(frame.Exec, 0, id, p)
	return c
}

func sh(script string) *command { return &command{argv: []string{"/bin/sh", "-c", script}} }

// take notes what a frame says about the command; true at its end.
func (c *command) take(r reply) bool {
	p := r.payload
	switch r.typ {
	case frame.OutStarted:
		c.pid = int(frame.U32(p))
	case frame.OutStdout:
		c.stdout = append(c.stdout, p...)
	case frame.OutStderr:
		c.stderr = append(c.stderr, p...)
	case frame.OutFailed:
		n := frame.U32(p[4:])
		c.errno, c.failed, c.why = frame.U32(p), string(p[8:8+n]), string(p[12+n:])
		return true
	case frame.OutExit:
		c.kind, c.code, c.holder = p[0], frame.U32(p[1:]), p[5] == 1
		c.cpu, c.rss = frame.U64(p[6:]), frame.U64(p[14:])
		return true
	}
	return false
}

// wait reads until the command has ended and gives credit for its output.
func (h *host) wait(id uint32, c *command) *command {
	h.t.Helper()
	for {
		r := h.recv()
		if r.stream != id {
			continue
		}
		if c.take(r) {
			return c
		}
		switch r.typ {
		case frame.OutStdout:
			h.credit(id, request.Stdout, len(r.payload))
		case frame.OutStderr:
			h.credit(id, request.Stderr, len(r.payload))
		}
	}
}

func (h *host) credit(id uint32, channel byte, n int) {
	h.t.Helper()
	h.send(frame.Credit, 0, id, frame.AppendU32([]byte{channel}, uint32(n)))
}

func (h *host) run(id uint32, c *command) *command {
	h.t.Helper()
	return h.wait(id, h.exec(id, c))
}

// ping returns the frames that came before the PONG.
func (h *host) ping() (before []reply) {
	h.t.Helper()
	h.send(frame.Ping, 0, 77, []byte("ping"))
	for {
		r := h.recv()
		if r.typ == frame.OutPong {
			if r.stream != 77 || string(r.payload) != "ping" {
				h.t.Fatalf("PONG %d %q", r.stream, r.payload)
			}
			return before
		}
		before = append(before, r)
	}
}
