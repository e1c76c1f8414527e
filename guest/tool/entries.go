package tool

import "syscall"

const (
	entriesSize = 8 << 10
	kindFolder  = 4 // DT_DIR
)

// entries reads the names in an open folder.
type entries struct {
	fd   int
	buf  []byte
	left []byte // of the buffer: not yet looked at
}

// next returns one name and its kind (0: not told); no name: the end.
func (e *entries) next() (name string, kind byte, errno syscall.Errno) {
	const head = 19 // u64 inode, i64 offset, u16 length, u8 kind
	for {
		for len(e.left) > head {
			size := int(e.left[16]) | int(e.left[17])<<8
			if size <= head || size > len(e.left) {
				return "", 0, syscall.EIO
			}
			ent := e.left[:size]
			e.left = e.left[size:]
			n := head
			for n < len(ent) && ent[n] != 0 {
				n++
			}
			name = string(ent[head:n])
			if name != "." && name != ".." {
				return name, ent[18], 0
			}
		}
		if e.buf == nil {
			e.buf = make([]byte, entriesSize)
		}
		n, err := syscall.ReadDirent(e.fd, e.buf)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.ENOENT { // the folder was removed: it is empty
			n, err = 0, nil
		}
		if err != nil || n <= 0 {
			return "", 0, errnoOf(err)
		}
		e.left = e.buf[:n]
	}
}
