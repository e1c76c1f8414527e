package tool

import (
	"syscall"

	"smolvm/guest/tree"
)

// file adds a regular file. However it changes meanwhile, the stream keeps its
// form: the pieces always end.
func (p *packer) file(dir int, name, rel string) *failure {
	fd, errno := openAt(dir, name, syscall.O_RDONLY|syscall.O_NOFOLLOW|quietly, 0)
	if errno != 0 {
		return p.gone(errno, "open", rel)
	}
	defer closeFd(fd)
	st, errno := statFd(fd)
	if errno != 0 {
		return p.check(errno, "stat", rel)
	}
	if mustBeRegular(st.Mode) != 0 { // it was when we looked
		return p.skip(rel)
	}
	p.out.b = tree.AppendFile(p.out.b, rel, st.Mode&maxMode, nanos(st.Mtim), st.Size)
	f := p.data(fd, rel, st.Size)
	p.out.b = tree.AppendPiece(p.out.b, 0, 0)
	if f != nil {
		return f
	}
	return p.out.drain()
}

// data adds the bytes of a file and leaves out its holes.
func (p *packer) data(fd int, rel string, size int64) *failure {
	for at := int64(0); at < size; {
		start, end := extent(fd, at, size)
		if f := p.pieces(fd, rel, start, end); f != nil {
			return f
		}
		at = end
	}
	now, errno := statFd(fd)
	if errno == 0 && now.Size < size {
		return p.shrunk(rel)
	}
	return p.check(errno, "stat", rel)
}

// extent finds the data at or after an offset: from start to end. A file system
// that knows of no holes has data everywhere.
func extent(fd int, at, size int64) (start, end int64) {
	start, errno := seek(fd, at, seekData)
	if errno == syscall.ENXIO { // only a hole is left
		return size, size
	}
	if errno != 0 {
		return at, size
	}
	end, errno = seek(fd, start, seekHole)
	if errno != 0 || end > size {
		end = size
	}
	return min(start, size), end
}

func (p *packer) pieces(fd int, rel string, at, end int64) *failure {
	for at < end {
		if f := p.out.drain(); f != nil {
			return f
		}
		// The bytes are read to where they are sent from, behind their head.
		start := len(p.out.b)
		b := tree.AppendPiece(p.out.b, 0, 0)
		room := int(min(end-at, int64(p.out.room()), tree.MaxPiece))
		b = b[:len(b)+room]
		n, errno := readAt(fd, b[start+tree.PieceHead:], at)
		if errno != 0 {
			return p.check(errno, "read", rel)
		}
		if n == 0 {
			return p.shrunk(rel)
		}
		tree.AppendPiece(b[:start], at, n)
		p.out.b = b[:start+tree.PieceHead+n]
		at += int64(n)
	}
	return nil
}

func (p *packer) shrunk(rel string) *failure {
	return p.check(syscall.EIO, opPack, rel)
}
