package agent

import "math/bits"

// ringSize is how much output of a detached command is kept. It is a multiple
// of 64.
const ringSize = 256 << 10

// ring keeps the newest output of a command, of both channels in the order in
// which it was read. Places in it are cursors: counts of bytes since the start.
type ring struct {
	data   []byte
	marks  []uint64 // a bit for each byte of data: its channel
	oldest uint64   // cursor of the first byte that is kept
	end    uint64
}

func newRing() ring {
	return ring{data: make([]byte, ringSize), marks: make([]uint64, ringSize/64)}
}

// space is where the next bytes go: at most room, in one piece.
func (r *ring) space(room int) []byte {
	at := int(r.end % ringSize)
	return r.data[at:min(at+room, ringSize)]
}

// add counts bytes of a channel that were put into space. The oldest make room
// for them.
func (r *ring) add(n, channel int) {
	at := int(r.end % ringSize)
	r.end += uint64(n)
	r.oldest = max(r.oldest, r.end-min(r.end, ringSize))
	for n > 0 {
		first := at % 64
		count := min(64-first, n)
		mask := ^uint64(0) >> (64 - count) << first
		r.marks[at/64] &^= mask
		if channel != 0 {
			r.marks[at/64] |= mask
		}
		at += count
		n -= count
	}
}

// channel is that of the byte at cursor.
func (r *ring) channel(cursor uint64) int {
	at := cursor % ringSize
	return int(r.marks[at/64] >> (at % 64) & 1)
}

// run is what is kept from cursor on, as far as it is of one channel and in
// one piece: at most that many bytes.
func (r *ring) run(cursor uint64, most int) []byte {
	at := int(cursor % ringSize)
	most = int(min(uint64(most), r.end-cursor, uint64(ringSize-at)))
	same := -uint64(r.channel(cursor)) // all bits as that of the first byte
	n := 0
	for n < most {
		first := (at + n) % 64
		if other := (r.marks[(at+n)/64] ^ same) >> first; other != 0 {
			n += bits.TrailingZeros64(other)
			break
		}
		n += 64 - first
	}
	return r.data[at : at+min(n, most)]
}
