package request

import (
	"slices"
	"strings"
	"testing"

	"smolvm/guest/frame"
)

func encode(e *Exec) []byte {
	b := []byte{0}
	if e.Stdin {
		b[0] |= 1
	}
	if e.PTY {
		b[0] |= 2
	}
	if e.Detached != "" {
		b[0] |= 4
	}
	if e.Tool {
		b[0] |= 8
	}
	b = frame.AppendU32(frame.AppendU32(b, e.OutCredit), e.ErrCredit)
	if e.PTY {
		b = append(b, byte(e.Rows), byte(e.Rows>>8), byte(e.Columns), byte(e.Columns>>8))
	}
	b = frame.AppendStr(frame.AppendStr(b, e.Cwd), e.User)
	for _, list := range [][]string{e.Argv, e.Env} {
		b = frame.AppendU32(b, uint32(len(list)))
		for _, s := range list {
			b = frame.AppendStr(b, s)
		}
	}
	if e.Detached != "" {
		b = frame.AppendStr(b, e.Detached)
	}
	return b
}

func equal(a, b *Exec) bool {
	return a.Stdin == b.Stdin && a.OutCredit == b.OutCredit && a.ErrCredit == b.ErrCredit &&
		a.PTY == b.PTY && a.Tool == b.Tool && a.Rows == b.Rows && a.Columns == b.Columns && a.Detached == b.Detached &&
		a.Cwd == b.Cwd && a.User == b.User && slices.Equal(a.Argv, b.Argv) && slices.Equal(a.Env, b.Env)
}

var sample = Exec{
	Stdin: true, OutCredit: 1, ErrCredit: 2, Cwd: "/cwd", User: "user:group",
	Argv: []string{"a", "", "\xff"}, Env: []string{"A=", "B=c=d"},
}

// full is a sample with everything in it.
func full() *Exec {
	e := sample
	e.PTY, e.Rows, e.Columns, e.Detached, e.Tool = true, 0x1234, 0xffff, "A-z_0.9", true
	return &e
}

func TestExec(t *testing.T) {
	for _, want := range []*Exec{&sample, full()} {
		whole := encode(want)
		got, err := ParseExec(whole)
		if err != nil || !equal(got, want) {
			t.Fatalf("%+v %v", got, err)
		}
		for cut := range len(whole) {
			if _, err := ParseExec(whole[:cut]); err == nil {
				t.Fatalf("cut at %d: no error", cut)
			}
		}
	}
}

func TestExecErrors(t *testing.T) {
	many := make([]string, maxStrings+1)
	for i := range many {
		many[i] = "A=b"
	}
	edit := func(f func(*Exec)) []byte { e := full(); f(e); return encode(e) }
	for want, raw := range map[string][]byte{
		"options":       append([]byte{16}, encode(&sample)[1:]...),
		"id is not":     edit(func(e *Exec) { e.Detached = "a/b" }),
		"id is not 1":   append(encode(&Exec{Detached: "x", Argv: []string{"a"}})[:30], 0, 0, 0, 0),
		"id is not 1 t": edit(func(e *Exec) { e.Detached = strings.Repeat("x", MaxName+1) }),
		"after":         append(encode(&sample), 0),
		"no program":    edit(func(e *Exec) { e.Argv = nil }),
		"NUL":           edit(func(e *Exec) { e.Cwd = "a\x00b" }),
		"NAME=value":    edit(func(e *Exec) { e.Env = []string{"A"} }),
		"more than 409": edit(func(e *Exec) { e.Env = many }),
		"2 MiB":         make([]byte, MaxExec+1),
	} {
		if _, err := ParseExec(raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestSmall(t *testing.T) {
	if _, ok := ParseSignal([]byte{65, 0, 0, 0, 0}); ok {
		t.Error("signal 65")
	}
	if s, ok := ParseSignal([]byte{15, 0, 0, 0, 1}); !ok || s.Number != 15 || s.Group {
		t.Error("signal 15")
	}
	if ch, n, ok := ParseCredit([]byte{2, 1, 2, 0, 0}); !ok || ch != Stderr || n != 513 {
		t.Error("credit")
	}
	if rows, columns, ok := ParseResize([]byte{1, 2, 3, 4}); !ok || rows != 0x201 || columns != 0x403 {
		t.Error("resize")
	}
	if _, ok := ParseHello(make([]byte, frame.HelloSize)); ok {
		t.Error("hello without magic")
	}
}

func FuzzExecRequest(f *testing.F) {
	f.Add(encode(&sample))
	f.Add(encode(full()))
	f.Add(encode(&Exec{Argv: []string{"true"}}))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseExec(data)
		if err != nil {
			return
		}
		if string(encode(e)) != string(data) {
			t.Fatalf("decoding is not exact: %+v", e)
		}
		if len(e.Detached) > MaxName || len(e.Argv) == 0 || len(e.Argv) > maxStrings || len(e.Env) > maxStrings {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzAttachRequest(f *testing.F) {
	add := func(name string, cursor uint64) {
		b := frame.AppendU64(frame.AppendStr(nil, name), cursor)
		f.Add(frame.AppendU32(frame.AppendU32(b, 7), 9))
		f.Add(frame.AppendStr(nil, name))
	}
	add("job", 1<<40)
	add("", 0)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, ok := ParseAttach(data); ok {
			b := frame.AppendU64(frame.AppendStr(nil, a.Name), a.Cursor)
			if b = frame.AppendU32(frame.AppendU32(b, a.OutCredit), a.ErrCredit); string(b) != string(data) {
				t.Fatalf("decoding is not exact: %+v", a)
			}
		}
		if name, ok := ParseName(data); ok && string(frame.AppendStr(nil, name)) != string(data) {
			t.Fatalf("decoding is not exact: %q", name)
		}
		if rows, columns, ok := ParseResize(data); ok != (len(data) == 4) ||
			ok && frame.U32(data) != uint32(rows)|uint32(columns)<<16 {
			t.Fatalf("decoding is not exact: %d %d", rows, columns)
		}
	})
}
