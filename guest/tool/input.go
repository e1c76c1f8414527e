package tool

import (
	"syscall"

	"smolvm/guest/frame"
)

// input is stdin: bytes as they come or, with an area, the records of the host.
type input struct {
	buf    []byte
	rest   []byte // of buf: not yet looked at
	inline int    // bytes of the record that are still to come
}

// next returns some bytes, which are good until the next call; none: the end.
func (in *input) next() ([]byte, syscall.Errno) {
	if in.buf == nil {
		in.buf = make([]byte, bufferSize)
	}
	if via == nil {
		n, errno := read(0, in.buf)
		return in.buf[:n], errno
	}
	for {
		if in.inline > 0 {
			return in.part()
		}
		if errno := in.fill(4); errno != 0 {
			return nil, errno
		}
		head := frame.U32(in.rest)
		in.rest = in.rest[4:]
		switch {
		case head == 0:
			in.rest = nil
			return nil, 0
		case head == openRecord:
			if errno := answer(via.open()); errno != 0 {
				return nil, errno
			}
		case head&inlineBit != 0:
			if in.inline = int(head &^ inlineBit); in.inline == 0 || in.inline > maxInline {
				return nil, syscall.EBADMSG
			}
		case via.fd < 0 || int(head) > via.piece:
			return nil, syscall.EBADMSG
		default:
			return via.take(int(head))
		}
	}
}

func answer(there bool) syscall.Errno {
	if there {
		return via.say(taken)
	}
	return via.say(absent)
}

// part returns what has come of the bytes in a record.
func (in *input) part() ([]byte, syscall.Errno) {
	if errno := in.fill(1); errno != 0 {
		return nil, errno
	}
	n := min(in.inline, len(in.rest))
	b := in.rest[:n]
	in.rest = in.rest[n:]
	in.inline -= n
	return b, 0
}

// fill waits until there are n bytes. An end without an end record is that of a
// host that gave up.
func (in *input) fill(n int) syscall.Errno {
	for len(in.rest) < n {
		have := copy(in.buf, in.rest)
		got, errno := read(0, in.buf[have:])
		if errno != 0 || got == 0 {
			return orElse(errno, syscall.ECANCELED)
		}
		in.rest = in.buf[:have+got]
	}
	return 0
}
