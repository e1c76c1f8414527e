package frame

import (
	"bytes"
	"testing"
)

const tag = 0x44332211

func hello(tag uint32) []byte {
	return Append(make([]byte, 16<<10), tag, Hello, 0, 0, make([]byte, HelloSize))
}

// item is what a decoder reported, in a form that can be compared.
type item struct {
	res  Result
	f    Frame
	body string
}

// decode feeds data in chunks whose lengths come from cuts.
func decode(d *Decoder, data, cuts []byte) (items []item) {
	for len(data) > 0 {
		n := len(data)
		if len(cuts) > 0 {
			n = min(n, int(cuts[0])+1)
			cuts = cuts[1:]
		}
		chunk := data[:n]
		data = data[n:]
		for len(chunk) > 0 {
			var f Frame
			rest, res := d.Next(chunk, &f)
			if res != More {
				body := string(f.Payload)
				f.Payload = nil
				if res == Breach {
					f = Frame{}
					body = ""
				}
				items = append(items, item{res, f, body})
			} else if len(rest) > 0 {
				panic("bytes are left though more are wanted")
			}
			chunk = rest
		}
	}
	return items
}

func same(a, b []item) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].res != b[i].res || a[i].body != b[i].body || a[i].f.Type != b[i].f.Type ||
			a[i].f.Flags != b[i].f.Flags || a[i].f.Stream != b[i].f.Stream || a[i].f.Tag != b[i].f.Tag {
			return false
		}
	}
	return true
}

func TestFrames(t *testing.T) {
	data := hello(tag)
	data = Append(data, tag, Ping, 0, 7, []byte("abc"))
	data = append(data, 0, 0, 0) // padding between frames
	data = Append(data, tag, Stdin, 1, 8, make([]byte, MaxIn))
	var d Decoder
	got := decode(&d, data, nil)
	if len(got) != 3 || got[1].body != "abc" || got[1].f.Stream != 7 || got[2].f.Flags != 1 || len(got[2].body) != MaxIn {
		t.Fatalf("%d items", len(got))
	}
	var single Decoder
	if !same(got, decode(&single, data, make([]byte, len(data)))) {
		t.Fatal("byte by byte is different")
	}
}

// A frame cut anywhere is completed by the zeros before the next HELLO.
func TestCutFrame(t *testing.T) {
	for _, size := range []int{0, 1, 100, MaxIn} {
		whole := Append(nil, tag, Stdin, 1, 9, bytes.Repeat([]byte{0xff}, size))
		for cut := range len(whole) {
			if cut > 40 && cut < size {
				continue // the middle of a payload is all the same
			}
			var d Decoder
			decode(&d, hello(tag), nil)
			got := decode(&d, append(bytes.Clone(whole[:cut]), hello(0x55667788)...), nil)
			last := got[len(got)-1]
			if last.res != Got || last.f.Type != Hello || last.f.Tag != 0x55667788 {
				t.Fatalf("size %d, cut at %d: %+v", size, cut, got)
			}
			for _, it := range got[:len(got)-1] {
				if it.res == Got {
					t.Fatalf("size %d, cut at %d: half a frame was taken", size, cut)
				}
			}
		}
	}
}

func TestBreach(t *testing.T) {
	good := Append(nil, tag, Ping, 0, 1, nil)
	edit := func(at int, v byte) []byte { b := bytes.Clone(good); b[at] = v; return b }
	for name, raw := range map[string][]byte{
		"type 0x11":    edit(0, 0x11),
		"type 0x81":    edit(0, 0x81),
		"reserved":     edit(3, 1),
		"length":       edit(10, 1),
		"tag":          edit(12, 0x12),
		"no session":   nil,
		"short HELLO":  Append(nil, tag, Hello, 0, 0, []byte("x")),
		"HELLO stream": Append(nil, tag, Hello, 0, 1, make([]byte, HelloSize)),
		"HELLO tag":    Append(nil, 0x11220033, Hello, 0, 0, make([]byte, HelloSize)),
	} {
		var d Decoder
		if raw != nil {
			decode(&d, hello(tag), nil)
		} else {
			raw = good
		}
		noise := append(raw, good...)
		noise = append(noise, make([]byte, 15)...)
		noise = append(noise, Append(nil, tag, Hello, 0, 0, make([]byte, HelloSize))...) // one zero short
		got := decode(&d, noise, nil)
		if len(got) != 1 || got[0].res != Breach {
			t.Errorf("%s: %+v", name, got)
		}
		if got = decode(&d, hello(tag), nil); len(got) != 1 || got[0].res != Got {
			t.Errorf("%s: no way back: %+v", name, got)
		}
	}
}

func TestHuntIgnoresFalseStart(t *testing.T) {
	var d Decoder
	d.Hunt()
	data := append(make([]byte, 16), Hello, 0, 0, 0, 9, 9, 9) // not a HELLO
	data = append(data, make([]byte, 16)...)
	data = append(data, Append(nil, tag, Hello, 0, 0, make([]byte, HelloSize))...)
	if got := decode(&d, data, nil); len(got) != 1 || got[0].res != Got {
		t.Fatalf("%+v", got)
	}
}

func FuzzDecoder(f *testing.F) {
	start := hello(tag)[16<<10-40:]
	f.Add(start, []byte{3})
	f.Add(Append(start, tag, Exec, 1, 2, []byte("payload")), []byte{0, 5, 11})
	f.Add(Append(append(start, 0x0c, 0, 0), 0x11223344, Hello, 0, 0, make([]byte, HelloSize)), []byte{})
	f.Add(append([]byte{Stdin, 0, 0, 0, 1, 0, 0, 0, 0xff}, start...), []byte{7})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		var whole, cut Decoder
		a, b := decode(&whole, data, nil), decode(&cut, data, cuts)
		if !same(a, b) {
			t.Fatalf("the chunks matter: %v, %v", a, b)
		}
		for _, it := range a {
			if it.res == Got && (it.f.Tag == 0 || len(it.body) > MaxIn || it.f.Type < Hello || it.f.Type > Forget) {
				t.Fatalf("bad frame: %+v", it)
			}
		}
		if cap(whole.buf) > MaxIn+Overhead {
			t.Fatalf("buffer has grown to %d", cap(whole.buf))
		}
	})
}
