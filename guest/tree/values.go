package tree

import "smolvm/guest/frame"

// The values that records are made of. After a fault they are zero.

// bytes returns n bytes, which are good until the next call. Of all values the
// longest is a message: no source can make us gather more than that.
func (r *Reader) bytes(n int) []byte {
	if len(r.rest) >= n && r.err == nil {
		return r.take(n)
	}
	r.joined = r.joined[:0]
	for len(r.joined) < n {
		if !r.more() {
			r.fail(ErrMalformed)
			return nil
		}
		r.joined = append(r.joined, r.take(min(n-len(r.joined), len(r.rest)))...)
	}
	return r.joined
}

func (r *Reader) u8() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *Reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return frame.U32(b)
	}
	return 0
}

func (r *Reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return frame.U64(b)
	}
	return 0
}

func (r *Reader) str(most uint32) string {
	n := r.u32()
	if n > most {
		r.fail(ErrMalformed)
	}
	return string(r.bytes(int(n)))
}

// more waits until there are bytes that were not looked at. False: the source
// has no more, or there was a fault.
func (r *Reader) more() bool {
	if len(r.rest) == 0 && r.err == nil {
		var err error
		if r.rest, err = r.source(); err != nil {
			r.fail(err)
		}
	}
	return r.err == nil && len(r.rest) > 0
}

func (r *Reader) take(n int) []byte {
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
