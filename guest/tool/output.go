package tool

import "syscall"

const bufferSize = 64 << 10

// output gathers what goes to stdout. The tool adds to b.
type output struct{ b []byte }

// longest is more than any record of a tree takes without its data.
const longest = 16 << 10

// bulkOutput has room for large data: a piece of the area, if there is one.
func bulkOutput() output {
	if via != nil {
		return output{via.buffer()[:0:via.piece]}
	}
	return output{make([]byte, 0, bufferSize+bufferSize/2+longest)}
}

// room is how much may be added at once after a drain.
func (o *output) room() int {
	return cap(o.b) - len(o.b) - longest
}

// drain writes when so much has come together that a write is worth it.
func (o *output) drain() *failure {
	if len(o.b) < bufferSize/2 || via != nil && o.room() >= bufferSize {
		return nil
	}
	return o.flush()
}

func (o *output) flush() *failure {
	var errno syscall.Errno
	if via == nil {
		errno = writeAll(1, o.b)
	} else if len(o.b) > 0 {
		errno = via.send(len(o.b))
	}
	o.b = o.b[:0]
	return check(errno, "write", "stdout")
}
