package tree

import "smolvm/guest/frame"

// The values that records are made of. After a fault they are zero.

func (r *Reader) bytes(n int) []byte {
	if !r.fill(n) {
		r.fail(ErrMalformed)
		return nil
	}
	return r.take(n)
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

// fill waits until n bytes are in the buffer. False: the source has no more, or
// there was a fault.
func (r *Reader) fill(n int) bool {
	for len(r.buf)-r.head < n && r.err == nil {
		r.buf = r.buf[:copy(r.buf, r.buf[r.head:])]
		r.head = 0
		got, err := r.source(r.buf[len(r.buf):cap(r.buf)])
		if err != nil {
			r.fail(err)
		} else if got == 0 {
			return false
		}
		r.buf = r.buf[:len(r.buf)+got]
	}
	return r.err == nil
}

func (r *Reader) take(n int) []byte {
	b := r.buf[r.head : r.head+n]
	r.head += n
	return b
}
