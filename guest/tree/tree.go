// Package tree reads and writes the stream that carries a file, a folder or a
// symlink (docs/agent-tools.md). It does no I/O and trusts nothing it reads.
package tree

import "smolvm/guest/frame"

// Kinds of records.
const (
	Folder = 'D'
	File   = 'F'
	Link   = 'L'
	End    = 'E' // the whole tree was sent
	Failed = 'X' // the sender gave up
)

// Bounds of a stream.
const (
	MaxPath    = 4096 // bytes
	MaxDepth   = 256  // components
	MaxEntries = 1_000_000
	MaxPiece   = 1 << 20 // bytes of data behind one piece head
	MaxTarget  = 4095    // bytes, the most that the kernel takes
	MaxMessage = 8192    // bytes, of Failed
	MaxMode    = 0o7777
)

// PieceHead is the size of what stands before the bytes of a piece.
const PieceHead = 12

// Entry is one record.
type Entry struct {
	Kind    byte
	Path    string // relative to the root, which has an empty one
	Parent  int    // the folder that it is in, counted in the order of the stream; the root is 0
	Mode    uint32
	MTime   int64 // ns since 1970
	Size    int64
	Target  string
	Skipped uint32 // of End: what the sender left out
}

// Split parts a path into the folder and the name in it.
func Split(path string) (parent, name string) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i], path[i+1:]
		}
	}
	return "", path
}

// AppendFolder adds the record of a folder.
func AppendFolder(b []byte, path string, mode uint32, mtime int64) []byte {
	b = frame.AppendStr(append(b, Folder), path)
	return frame.AppendU64(frame.AppendU32(b, mode), uint64(mtime))
}

// AppendFile adds the record of a file. Its pieces are to follow.
func AppendFile(b []byte, path string, mode uint32, mtime, size int64) []byte {
	b = frame.AppendStr(append(b, File), path)
	b = frame.AppendU64(frame.AppendU32(b, mode), uint64(mtime))
	return frame.AppendU64(b, uint64(size))
}

// AppendPiece adds the head of a piece. One of length 0 at offset 0 ends the file.
func AppendPiece(b []byte, offset int64, length int) []byte {
	return frame.AppendU32(frame.AppendU64(b, uint64(offset)), uint32(length))
}

// AppendLink adds the record of a symlink.
func AppendLink(b []byte, path string, mtime int64, target string) []byte {
	b = frame.AppendStr(append(b, Link), path)
	return frame.AppendStr(frame.AppendU64(b, uint64(mtime)), target)
}

// AppendEnd adds the last record.
func AppendEnd(b []byte, skipped uint32) []byte {
	return frame.AppendU32(append(b, End), skipped)
}

// AppendFailed adds what takes the place of the last record when the sender
// cannot go on.
func AppendFailed(b []byte, message string) []byte {
	return frame.AppendStr(append(b, Failed), message[:min(len(message), MaxMessage)])
}
