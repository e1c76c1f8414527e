package request

import "smolvm/guest/frame"

// MaxName is the length of the longest name of a detached command.
const MaxName = 64

// name takes the name for a new detached command.
func (c *cursor) name() string {
	v := c.str()
	good := len(v) >= 1 && len(v) <= MaxName
	for i := 0; good && i < len(v); i++ {
		good = nameChar(v[i])
	}
	if !good {
		c.fail("id is not 1 to 64 characters of A-Z a-z 0-9 . _ -")
	}
	return v
}

func nameChar(b byte) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		return true
	}
	return b == '.' || b == '_' || b == '-'
}

// Attach is a decoded ATTACH payload.
type Attach struct {
	Name      string
	Cursor    uint64
	OutCredit uint32
	ErrCredit uint32
}

// ParseAttach decodes an ATTACH payload. Any name will do: one that no command
// can have is just not found.
func ParseAttach(p []byte) (a Attach, ok bool) {
	const rest = 8 + 4 + 4
	if len(p) < rest {
		return a, false
	}
	at := len(p) - rest
	a.Name, ok = ParseName(p[:at])
	a.Cursor, a.OutCredit, a.ErrCredit = frame.U64(p[at:]), frame.U32(p[at+8:]), frame.U32(p[at+12:])
	return a, ok
}

// ParseName decodes a payload that is the name of a detached command.
func ParseName(p []byte) (name string, ok bool) {
	c := cursor{s: string(p)}
	name = c.str()
	return name, c.bad == "" && c.s == ""
}

// ParseResize decodes a RESIZE payload.
func ParseResize(p []byte) (rows, columns uint16, ok bool) {
	if len(p) != 4 {
		return 0, 0, false
	}
	size := frame.U32(p)
	return uint16(size), uint16(size >> 16), true
}
