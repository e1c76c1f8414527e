package request

import "smolvm/guest/frame"

// Version is the protocol version that this agent speaks.
const Version = 1

// Hello is a decoded HELLO payload.
type Hello struct {
	Lowest, Highest uint16
	Nonce           [16]byte
}

// ParseHello decodes a HELLO payload.
func ParseHello(p []byte) (h Hello, ok bool) {
	if len(p) != frame.HelloSize || string(p[:8]) != "SMOLVM\x00\x01" {
		return h, false
	}
	h.Lowest = uint16(p[8]) | uint16(p[9])<<8
	h.Highest = uint16(p[10]) | uint16(p[11])<<8
	copy(h.Nonce[:], p[12:])
	return h, true
}

// Signal is a decoded SIGNAL payload.
type Signal struct {
	Number int
	Group  bool // to the process group, not to the one process
}

// ParseSignal decodes a SIGNAL payload.
func ParseSignal(p []byte) (s Signal, ok bool) {
	if len(p) != 5 || p[4] > 1 {
		return s, false
	}
	n := frame.U32(p)
	return Signal{int(n), p[4] == 0}, n >= 1 && n <= 64
}

// Output channels as CREDIT names them.
const (
	Stdout = 1
	Stderr = 2
)

// ParseCredit decodes a CREDIT payload.
func ParseCredit(p []byte) (channel byte, bytes uint32, ok bool) {
	if len(p) != 5 || p[0] != Stdout && p[0] != Stderr {
		return 0, 0, false
	}
	return p[0], frame.U32(p[1:]), true
}
