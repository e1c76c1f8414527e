package tool

const bufferSize = 64 << 10

// output gathers what goes to stdout. The tool adds to b.
type output struct{ b []byte }

// drain writes when so much has come together that a write is worth it.
func (o *output) drain() *failure {
	if len(o.b) < bufferSize/2 {
		return nil
	}
	return o.flush()
}

func (o *output) flush() *failure {
	errno := writeAll(1, o.b)
	o.b = o.b[:0]
	return check(errno, "write", "stdout")
}
