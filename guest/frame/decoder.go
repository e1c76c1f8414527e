package frame

// Result tells what Decoder.Next found.
type Result int

const (
	More   Result = iota // all bytes are used up, no frame is complete
	Got                  // a frame
	Breach               // the peer broke the protocol; the decoder now hunts
)

// huntZeros is the run of zero bytes that must come before a HELLO when the
// decoder has lost the frame boundaries.
const huntZeros = 16

// Decoder splits a byte stream into frames. Its result depends on the bytes
// only, not on how they are cut into chunks. The zero value is ready for use.
type Decoder struct {
	buf     []byte // the frame being put together
	want    int    // bytes of buf that the next step needs
	zeros   int    // zero bytes just seen, while hunting
	hunting bool
	open    bool // a session has set tag
	tag     uint32
}

// Next takes bytes from data until a frame or a breach is found. It returns
// the bytes that it did not use.
func (d *Decoder) Next(data []byte, f *Frame) ([]byte, Result) {
	for len(data) > 0 {
		if len(d.buf) == 0 {
			if data = d.skip(data); len(data) == 0 {
				break
			}
			d.start()
		}
		n := min(d.want-len(d.buf), len(data))
		d.buf = append(d.buf, data[:n]...)
		data = data[n:]
		if len(d.buf) < d.want {
			break
		}
		res := More
		if d.want == HeaderSize {
			res = d.header()
		} else {
			res = d.trailer(f)
		}
		if res != More {
			return data, res
		}
	}
	return data, More
}

// Hunt makes the decoder skip to the next run of zeros and HELLO.
func (d *Decoder) Hunt() {
	d.hunting, d.open, d.zeros = true, false, 0
	d.buf = d.buf[:0]
}

// Close ends the session: only a HELLO is a good next frame.
func (d *Decoder) Close() { d.open = false }

func (d *Decoder) start() {
	if cap(d.buf) == 0 {
		d.buf = make([]byte, 0, MaxIn+Overhead)
	}
	d.want = HeaderSize
}

// skip drops zero bytes between frames and, while hunting, everything that
// does not look like the start of a HELLO.
func (d *Decoder) skip(data []byte) []byte {
	for i, b := range data {
		switch {
		case b == 0:
			if d.zeros < huntZeros {
				d.zeros++
			}
		case !d.hunting || b == Hello && d.zeros >= huntZeros:
			return data[i:]
		default:
			d.zeros = 0
		}
	}
	return nil
}

// header looks at a complete header. All checks here also pass for a header
// that was cut and filled up with zero bytes: its frame then ends in a zero
// tag and is dropped. While hunting only an exact HELLO will do, so that a
// false start swallows few of the zeros before a real one.
func (d *Decoder) header() Result {
	h := d.buf
	length := U32(h[8:])
	good := h[0] >= Hello && h[0] <= last && h[2] == 0 && h[3] == 0 && length <= MaxIn
	if d.hunting {
		good = good && h[1] == 0 && U32(h[4:]) == 0 && length == HelloSize
	}
	if !good {
		return d.fail()
	}
	d.want = Overhead + int(length)
	return More
}

// trailer ends a frame: it is dropped, handed out, or a breach.
func (d *Decoder) trailer(f *Frame) Result {
	body, tail := d.buf[:d.want-TrailerSize], d.buf[d.want-TrailerSize:]
	tag := U32(tail)
	f.Type, f.Flags, f.Tag = body[0], body[1], tag
	f.Stream = U32(body[4:])
	f.Payload = body[HeaderSize:]
	switch {
	case tag == 0:
		d.countZeros()
		return More
	case f.Type == Hello && f.Stream == 0 && len(f.Payload) == HelloSize && noZeroByte(tail):
		d.tag, d.open, d.hunting = tag, true, false
	case f.Type == Hello || !d.open || tag != d.tag:
		return d.fail()
	}
	d.zeros = 0
	d.buf = d.buf[:0]
	return Got
}

// fail starts the hunt. It is reported only once for each loss.
func (d *Decoder) fail() Result {
	was := d.hunting
	d.countZeros()
	d.hunting, d.open = true, false
	if was {
		return More
	}
	return Breach
}

// countZeros empties buf but remembers the zeros at its end: they may be the
// start of the run before a HELLO.
func (d *Decoder) countZeros() {
	d.zeros = 0
	for i := len(d.buf) - 1; i >= 0 && d.buf[i] == 0 && d.zeros < huntZeros; i-- {
		d.zeros++
	}
	d.buf = d.buf[:0]
}

func noZeroByte(b []byte) bool {
	return b[0] != 0 && b[1] != 0 && b[2] != 0 && b[3] != 0
}
