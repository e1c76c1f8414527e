// Package request decodes the payloads of the host's frames. It does no I/O;
// every length and count is checked before it is used.
package request

import (
	"smolvm/guest/frame"
)

// Limits of one EXEC.
const (
	MaxExec    = 2 << 20
	maxStrings = 4096
)

// Error says what is wrong with a payload.
type Error string

func (e Error) Error() string { return string(e) }

// Options of an EXEC.
const (
	OptionStdin = 1 << iota
	OptionPTY
	OptionDetached
	OptionTool

	options = OptionStdin | OptionPTY | OptionDetached | OptionTool
)

// Exec is a decoded EXEC request.
type Exec struct {
	Stdin     bool // the host will send input
	PTY       bool // its files are a terminal
	OutCredit uint32
	ErrCredit uint32
	Rows      uint16 // of the terminal
	Columns   uint16
	Cwd       string
	User      string
	Argv      []string
	Env       []string
	Tool      bool   // argv names a tool of the agent, not a program
	Detached  string // its name if it outlives the session, else empty
}

// ParseExec decodes a whole EXEC payload. The result shares no memory with p.
func ParseExec(p []byte) (*Exec, error) {
	if len(p) > MaxExec {
		return nil, Error("request is larger than 2 MiB")
	}
	if len(p) < 1 || p[0]&^options != 0 {
		return nil, Error("unknown options")
	}
	c := cursor{s: string(p[1:])}
	e := &Exec{Stdin: p[0]&OptionStdin != 0, PTY: p[0]&OptionPTY != 0, Tool: p[0]&OptionTool != 0}
	e.OutCredit, e.ErrCredit = c.u32(), c.u32()
	if e.PTY {
		e.Rows, e.Columns = c.u16(), c.u16()
	}
	e.Cwd, e.User = c.str(), c.str()
	e.Argv, e.Env = c.strs(), c.strs()
	if p[0]&OptionDetached != 0 {
		e.Detached = c.name()
	}
	switch {
	case c.bad != "":
		return nil, c.bad
	case len(c.s) != 0:
		return nil, Error("bytes after the request")
	case len(e.Argv) == 0 || e.Argv[0] == "":
		return nil, Error("no program named")
	}
	for _, kv := range e.Env {
		if !named(kv) {
			return nil, Error("environment entry is not NAME=value")
		}
	}
	return e, nil
}

func named(kv string) bool {
	for i := 0; i < len(kv); i++ {
		if kv[i] == '=' {
			return i > 0
		}
	}
	return false
}

// cursor takes values off the front of s. After the first fault it returns
// zero values and keeps the fault.
type cursor struct {
	s   string
	bad Error
}

func (c *cursor) fail(why Error) {
	if c.bad == "" {
		c.bad = why
	}
	c.s = ""
}

func (c *cursor) u16() uint16 {
	if len(c.s) < 2 {
		c.fail("request ends early")
		return 0
	}
	v := uint16(c.s[0]) | uint16(c.s[1])<<8
	c.s = c.s[2:]
	return v
}

func (c *cursor) u32() uint32 {
	if len(c.s) < 4 {
		c.fail("request ends early")
		return 0
	}
	v := frame.U32([]byte(c.s[:4]))
	c.s = c.s[4:]
	return v
}

func (c *cursor) str() string {
	n := c.u32()
	if uint64(n) > uint64(len(c.s)) {
		c.fail("request ends early")
		return ""
	}
	v := c.s[:n]
	c.s = c.s[n:]
	for i := 0; i < len(v); i++ {
		if v[i] == 0 {
			c.fail("NUL byte in a string")
			return ""
		}
	}
	return v
}

func (c *cursor) strs() []string {
	n := c.u32()
	if n > maxStrings {
		c.fail("more than 4096 strings in a list")
		return nil
	}
	if uint64(n)*4 > uint64(len(c.s)) {
		c.fail("request ends early")
		return nil
	}
	list := make([]string, 0, n)
	for i := uint32(0); i < n && c.bad == ""; i++ {
		list = append(list, c.str())
	}
	return list
}
