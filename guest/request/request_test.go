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
		b[0] |= optStdin
	}
	if e.Tool {
		b[0] |= optTool
	}
	b = frame.AppendU32(frame.AppendU32(b, e.OutCredit), e.ErrCredit)
	b = frame.AppendStr(frame.AppendStr(b, e.Cwd), e.User)
	for _, list := range [][]string{e.Argv, e.Env} {
		b = frame.AppendU32(b, uint32(len(list)))
		for _, s := range list {
			b = frame.AppendStr(b, s)
		}
	}
	return b
}

func equal(a, b *Exec) bool {
	return a.Stdin == b.Stdin && a.Tool == b.Tool && a.OutCredit == b.OutCredit && a.ErrCredit == b.ErrCredit &&
		a.Cwd == b.Cwd && a.User == b.User && slices.Equal(a.Argv, b.Argv) && slices.Equal(a.Env, b.Env)
}

var sample = Exec{Stdin: true, OutCredit: 1, ErrCredit: 2, Cwd: "/cwd", User: "user:group", Argv: []string{"a", "", "\xff"}, Env: []string{"A=", "B=c=d"}, Tool: true}

func TestExec(t *testing.T) {
	got, err := ParseExec(encode(&sample))
	if err != nil || !equal(got, &sample) {
		t.Fatalf("%+v %v", got, err)
	}
	whole := encode(&sample)
	for cut := range len(whole) {
		if _, err := ParseExec(whole[:cut]); err == nil {
			t.Fatalf("cut at %d: no error", cut)
		}
	}
}

func TestExecErrors(t *testing.T) {
	many := make([]string, maxStrings+1)
	for i := range many {
		many[i] = "A=b"
	}
	edit := func(f func(*Exec)) []byte { e := sample; f(&e); return encode(&e) }
	for want, raw := range map[string][]byte{
		"options":       append([]byte{2}, encode(&sample)[1:]...),
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
	if _, ok := ParseHello(make([]byte, frame.HelloSize)); ok {
		t.Error("hello without magic")
	}
}

func FuzzExecRequest(f *testing.F) {
	f.Add(encode(&sample))
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
		if len(e.Argv) == 0 || len(e.Argv) > maxStrings || len(e.Env) > maxStrings {
			t.Fatalf("%+v", e)
		}
	})
}
