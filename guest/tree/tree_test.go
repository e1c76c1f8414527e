package tree

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// chunks gives a stream a few bytes at a time.
func chunks(b []byte, most int) func() ([]byte, error) {
	last := make([]byte, most)
	return func() ([]byte, error) {
		for i := range last {
			last[i] = 0xee // what was given before is no longer good
		}
		n := copy(last, b)
		b = b[n:]
		return last[:n], nil
	}
}

// decode reads a whole stream and writes it again, with pieces that touch in one.
func decode(source func() ([]byte, error)) (again []byte, entries []Entry, err error) {
	r := NewReader(source, 42)
	for {
		e, err := r.Next()
		if err != nil {
			return again, entries, err
		}
		entries = append(entries, e)
		switch e.Kind {
		case Folder:
			again = AppendFolder(again, e.Path, e.Mode, e.MTime)
		case Link:
			again = AppendLink(again, e.Path, e.MTime, e.Target)
		case End:
			return AppendEnd(again, e.Skipped), entries, nil
		case File:
			again = AppendFile(again, e.Path, e.Mode, e.MTime, e.Size)
			var start int64
			var run []byte
			for {
				at, data, err := r.Data()
				if err != nil {
					return again, entries, err
				}
				if len(run) > 0 && (data == nil || at != start+int64(len(run))) {
					again = append(AppendPiece(again, start, len(run)), run...)
					run = nil
				}
				if data == nil {
					break
				}
				if len(run) == 0 {
					start = at
				}
				run = append(run, data...)
			}
			again = AppendPiece(again, 0, 0)
		}
	}
}

func sample() []byte {
	b := AppendFolder(nil, "", 0o755, -1)
	b = AppendFile(b, "f", 0o4644, 1<<60, 10)
	b = append(AppendPiece(b, 0, 2), "ab"...)
	b = append(AppendPiece(b, 7, 3), "cde"...)
	b = AppendPiece(b, 0, 0)
	b = AppendFolder(b, "d", 0o1777, 0)
	b = AppendFolder(b, "d/\xff\n", 0, 0)
	b = AppendLink(b, "d/\xff\n/l", 5, "../../x")
	return AppendEnd(b, 3)
}

func TestRoundTrip(t *testing.T) {
	for _, most := range []int{1, 7, 1 << 20} {
		again, entries, err := decode(chunks(sample(), most))
		if err != nil || !bytes.Equal(again, sample()) {
			t.Fatalf("%d: %q %v", most, again, err)
		}
		var parents []int
		for _, e := range entries {
			parents = append(parents, e.Parent)
		}
		if got := fmt.Sprint(parents); got != "[0 0 0 1 2 0]" || entries[5].Skipped != 3 {
			t.Fatal(got)
		}
	}
}

func TestLongPiece(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	b := AppendFile(nil, "", 0o644, 0, int64(len(data)))
	b = append(AppendPiece(b, 0, len(data)), data...)
	r := NewReader(chunks(AppendEnd(AppendPiece(b, 0, 0), 0), 50_000), 1)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for {
		at, part, err := r.Data()
		if err != nil || part != nil && int(at) != len(got) {
			t.Fatal(at, err)
		}
		if part == nil {
			break
		}
		got = append(got, part...)
	}
	if e, err := r.Next(); e.Kind != End || err != nil || !bytes.Equal(got, data) {
		t.Fatal(e, err, len(got))
	}
}

func TestTruncated(t *testing.T) {
	whole := sample()
	for cut := range whole {
		if _, _, err := decode(chunks(whole[:cut], 1000)); err != ErrMalformed {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	if _, _, err := decode(chunks(append(whole, 0), 1000)); err != ErrMalformed {
		t.Fatalf("a byte more: %v", err)
	}
}

func TestSourceFault(t *testing.T) {
	fault := errors.New("torn")
	if _, _, err := decode(func() ([]byte, error) { return nil, fault }); err != fault {
		t.Fatal(err)
	}
	for _, b := range [][]byte{AppendFailed(nil, "gone"), AppendFailed(AppendFolder(nil, "", 0, 0), strings.Repeat("x", 9000))} {
		if _, _, err := decode(chunks(b, 10)); err != ErrSender {
			t.Fatal(err)
		}
	}
}

// root is the record that most hostile streams begin with.
func root() []byte { return AppendFolder(nil, "", 0o755, 0) }

func file(size int64, pieces ...byte) []byte {
	return AppendEnd(append(AppendFile(root(), "f", 0o644, 0, size), pieces...), 0)
}

func TestHostile(t *testing.T) {
	piece := func(at int64, n int) []byte { return append(AppendPiece(nil, at, n), make([]byte, n)...) }
	deep := strings.Repeat("d/", MaxDepth)
	for name, b := range map[string][]byte{
		"nothing":         nil,
		"end only":        AppendEnd(nil, 0),
		"unknown kind":    append(root(), 'Z'),
		"root with path":  AppendEnd(AppendFolder(nil, "a", 0, 0), 0),
		"two roots":       AppendEnd(AppendFolder(root(), "", 0, 0), 0),
		"absolute":        AppendEnd(AppendFolder(root(), "/a", 0, 0), 0),
		"parent":          AppendEnd(AppendFolder(root(), "..", 0, 0), 0),
		"inner parent":    AppendEnd(AppendFolder(AppendFolder(root(), "a", 0, 0), "a/../b", 0, 0), 0),
		"dot":             AppendEnd(AppendFolder(root(), ".", 0, 0), 0),
		"double slash":    AppendEnd(AppendFolder(AppendFolder(root(), "a", 0, 0), "a//b", 0, 0), 0),
		"trailing slash":  AppendEnd(AppendFolder(root(), "a/", 0, 0), 0),
		"NUL":             AppendEnd(AppendFolder(root(), "a\x00", 0, 0), 0),
		"no parent":       AppendEnd(AppendFolder(root(), "a/b", 0, 0), 0),
		"through a link":  AppendEnd(AppendFolder(AppendLink(root(), "a", 0, "/"), "a/b", 0, 0), 0),
		"below a file":    AppendEnd(AppendFolder(AppendPiece(AppendFile(root(), "a", 0, 0, 0), 0, 0), "a/b", 0, 0), 0),
		"below root file": AppendEnd(AppendFolder(AppendPiece(AppendFile(nil, "", 0, 0, 0), 0, 0), "b", 0, 0), 0),
		"twice":           AppendEnd(AppendFolder(AppendFolder(root(), "a", 0, 0), "a", 0, 0), 0),
		"folder and link": AppendEnd(AppendLink(AppendFolder(root(), "a", 0, 0), "a", 0, "x"), 0),
		"too deep":        AppendEnd(AppendFolder(root(), deep+"d", 0, 0), 0),
		"long path":       AppendEnd(AppendFolder(root(), strings.Repeat("x", MaxPath+1), 0, 0), 0),
		"huge path":       append(root(), 'D', 0xff, 0xff, 0xff, 0xff),
		"empty target":    AppendEnd(AppendLink(root(), "a", 0, ""), 0),
		"long target":     AppendEnd(AppendLink(root(), "a", 0, strings.Repeat("x", MaxTarget+1)), 0),
		"NUL in target":   AppendEnd(AppendLink(root(), "a", 0, "x\x00"), 0),
		"mode":            AppendEnd(AppendFolder(nil, "", MaxMode+1, 0), 0),
		"negative size":   file(-1, piece(0, 0)...),
		"record in file":  file(0),
		"past the size":   file(4, piece(2, 3)...),
		"far past":        file(4, piece(-1, 3)...),
		"empty piece":     file(4, piece(2, 0)...),
		"long piece":      file(4<<20, piece(0, MaxPiece+1)...),
		"backwards":       file(8, append(piece(4, 1), piece(0, 1)...)...),
		"overlapping":     file(8, append(piece(0, 2), piece(1, 2)...)...),
	} {
		if _, _, err := decode(chunks(b, 1<<20)); err != ErrMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidPath(t *testing.T) {
	deep := strings.Repeat("d/", MaxDepth-1) + "d"
	for _, path := range []string{"a", "a b/\n/\xff", "...", deep, strings.Repeat("x", MaxPath)} {
		if !ValidPath(path) {
			t.Errorf("%.20q", path)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(sample())
	f.Add(AppendEnd(AppendLink(nil, "", 0, "x"), 0))
	f.Add(AppendFailed(root(), "x"))
	f.Add(file(4, AppendPiece(nil, 1<<62, 9)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		again, entries, err := decode(chunks(data, 1000))
		if err != nil {
			return
		}
		folders := []string{}
		for _, e := range entries[:len(entries)-1] {
			if parent, _ := Split(e.Path); e.Path != "" && folders[e.Parent] != parent {
				t.Fatalf("%q is not in %q", e.Path, folders[e.Parent])
			}
			if e.Kind == Folder {
				folders = append(folders, e.Path)
			}
		}
		third, _, err := decode(chunks(again, 1000))
		if err != nil || !bytes.Equal(third, again) {
			t.Fatalf("decoding is not exact: %v", err)
		}
	})
}
