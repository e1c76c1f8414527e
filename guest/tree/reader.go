package tree

// Error says what is wrong with a stream.
type Error string

func (e Error) Error() string { return string(e) }

// Faults that are not those of the source.
const (
	ErrMalformed = Error("malformed stream")
	ErrSender    = Error("the sender failed")
)

// Reader decodes a stream. After the first fault it returns that for ever.
type Reader struct {
	source func() ([]byte, error)
	err    error
	rest   []byte // of what the source gave last
	joined []byte // a value that lay on the border of two
	seen   seen
	count  int
	ended  bool

	inFile bool
	size   int64 // of the file
	at     int64 // what comes next belongs here or later
	left   int   // bytes of the piece that are still to come
}

// NewReader reads from a source that returns no bytes and no error at its end;
// what it returns need only be good until it is asked again. The seed should be
// random.
func NewReader(source func() ([]byte, error), seed uint64) *Reader {
	return &Reader{source: source, seen: seen{seed: seed, numbers: map[uint64]int32{}}}
}

// Next returns the next record. The last one is End, then nothing follows in
// the source. After a File, Data is to be called until the file is complete.
func (r *Reader) Next() (e Entry, err error) {
	if r.inFile || r.ended {
		r.fail(ErrMalformed)
	}
	e.Kind = r.u8()
	switch e.Kind {
	case Folder, File, Link:
		r.entry(&e)
	case End:
		e.Skipped = r.u32()
		if r.count == 0 || r.more() {
			r.fail(ErrMalformed)
		}
		r.ended = true
	case Failed:
		r.str(MaxMessage)
		r.fail(ErrSender)
	default:
		r.fail(ErrMalformed)
	}
	return e, r.err
}

func (r *Reader) entry(e *Entry) {
	isRoot := r.count == 0
	r.count++
	e.Path = r.str(MaxPath)
	if r.count > MaxEntries || isRoot != (e.Path == "") || !isRoot && !ValidPath(e.Path) {
		r.fail(ErrMalformed)
		return
	}
	if e.Kind != Link {
		e.Mode = r.u32()
	}
	e.MTime = int64(r.u64())
	switch e.Kind {
	case File:
		e.Size = int64(r.u64())
		r.inFile, r.size, r.at, r.left = true, e.Size, 0, 0
	case Link:
		e.Target = r.str(MaxTarget)
	}
	var ok bool
	e.Parent, ok = r.seen.add(e.Path, e.Kind == Folder)
	if !ok || e.Mode > MaxMode || e.Size < 0 || e.Kind == Link && (e.Target == "" || hasNUL(e.Target)) {
		r.fail(ErrMalformed)
	}
}

// Data returns the next bytes of a file and where they belong. No bytes: the
// file is complete. The bytes are good until the next call.
func (r *Reader) Data() (offset int64, data []byte, err error) {
	if r.left == 0 {
		r.piece()
	}
	if r.err != nil || !r.inFile {
		return 0, nil, r.err
	}
	if !r.more() {
		r.fail(ErrMalformed)
		return 0, nil, r.err
	}
	data = r.take(min(r.left, len(r.rest)))
	offset = r.at
	r.at += int64(len(data))
	r.left -= len(data)
	return offset, data, nil
}

// piece reads the head of the next piece.
func (r *Reader) piece() {
	offset, length := r.u64(), r.u32()
	switch {
	case r.err != nil:
	case !r.inFile:
		r.fail(ErrMalformed)
	case length == 0 && offset == 0:
		r.inFile = false
	case length == 0 || length > MaxPiece || offset < uint64(r.at) || offset > uint64(r.size) || uint64(length) > uint64(r.size)-offset:
		r.fail(ErrMalformed)
	default:
		r.at, r.left = int64(offset), int(length)
	}
}

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
