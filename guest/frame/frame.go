// Package frame reads and writes the frames of the agent protocol
// (docs/agent-protocol.md). It does no I/O and never trusts a length.
package frame

// Sizes of the parts of a frame, and the largest payload in each direction.
const (
	HeaderSize  = 12
	TrailerSize = 4
	Overhead    = HeaderSize + TrailerSize
	MaxIn       = 16<<10 - Overhead
	MaxOut      = 32<<10 - Overhead
)

// Frame types from the host.
const (
	Hello    = 0x01
	Exec     = 0x02
	Stdin    = 0x03
	Signal   = 0x04
	Credit   = 0x05
	Ping     = 0x06
	Sync     = 0x07
	Shutdown = 0x08
	Time     = 0x09
	Entropy  = 0x0a
	Bye      = 0x0b
	Resize   = 0x0c
	Attach   = 0x0d
	Detach   = 0x0e
	List     = 0x0f
	Forget   = 0x10

	last = Forget
)

// Frame types to the host.
const (
	OutHello    = 0x81
	OutStarted  = 0x82
	OutStdout   = 0x83
	OutStderr   = 0x84
	OutExit     = 0x85
	OutFailed   = 0x86
	OutCredit   = 0x87
	OutPong     = 0x88
	OutOK       = 0x89
	OutBye      = 0x8a
	OutError    = 0x8b
	OutAttached = 0x8c
	OutDetached = 0x8d
	OutListed   = 0x8e
)

// HelloSize is the payload length of the host's HELLO.
const HelloSize = 28

// Frame is one frame from the host. Payload is valid until the next call of
// the decoder that returned it.
type Frame struct {
	Type    byte
	Flags   byte
	Stream  uint32
	Tag     uint32
	Payload []byte
}

// PutHeader writes a header to the first HeaderSize bytes of b.
func PutHeader(b []byte, typ, flags byte, stream uint32, length int) {
	_ = b[HeaderSize-1]
	b[0], b[1], b[2], b[3] = typ, flags, 0, 0
	putU32(b[4:], stream)
	putU32(b[8:], uint32(length))
}

// PutTag writes the trailer to the first TrailerSize bytes of b.
func PutTag(b []byte, tag uint32) {
	putU32(b, tag)
}

// Append adds a whole frame to dst.
func Append(dst []byte, tag uint32, typ, flags byte, stream uint32, payload []byte) []byte {
	var head [HeaderSize]byte
	PutHeader(head[:], typ, flags, stream, len(payload))
	dst = append(dst, head[:]...)
	dst = append(dst, payload...)
	return AppendU32(dst, tag)
}

// AppendU32 adds a little-endian u32.
func AppendU32(dst []byte, v uint32) []byte {
	return append(dst, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

// AppendStr adds a str: its length and its bytes.
func AppendStr(dst []byte, s string) []byte {
	return append(AppendU32(dst, uint32(len(s))), s...)
}

// AppendU64 adds a little-endian u64.
func AppendU64(dst []byte, v uint64) []byte {
	return AppendU32(AppendU32(dst, uint32(v)), uint32(v>>32))
}

// U32 reads a little-endian u32. (encoding/binary would bring in reflect.)
func U32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// U64 reads a little-endian u64.
func U64(b []byte) uint64 {
	return uint64(U32(b)) | uint64(U32(b[4:]))<<32
}

func putU32(b []byte, v uint32) {
	_ = b[3]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}
