package tool

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const (
	testPiece = 64 << 10
	testBase  = 8192
	testCount = 2
)

// areaFile stands for the disk.
func areaFile(t *testing.T) (path string, file *os.File) {
	t.Helper()
	path = put(t, filepath.Join(scratch(t), "disk"), "", 0o666)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { file.Close() })
	must(t, file.Truncate(testBase+testPiece*testCount))
	return path, file
}

func areaWords(disk string, args ...string) []string {
	return append([]string{"area", disk, strconv.Itoa(testBase), strconv.Itoa(testPiece), strconv.Itoa(testCount)}, args...)
}

func u32(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }

func inline(text string) string { return u32(inlineBit|uint32(len(text))) + text }

// conversation is a tool whose records we answer.
type conversation struct {
	t    *testing.T
	in   io.WriteCloser
	out  io.Reader
	err  bytes.Buffer
	wait func() int
}

func talk(t *testing.T, args ...string) *conversation {
	t.Helper()
	c := &conversation{t: t}
	cmd := (&call{t: t, args: args}).command()
	var err error
	c.in, err = cmd.StdinPipe()
	must(t, err)
	c.out, err = cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = &c.err
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	c.wait = func() int {
		cmd.Wait()
		return cmd.ProcessState.ExitCode()
	}
	return c
}

func (c *conversation) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *conversation) hear(n int) string {
	c.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c.out, b); err != nil {
		c.t.Fatalf("%v after %q, %q", err, b, c.err.String())
	}
	return string(b)
}

func TestAreaInput(t *testing.T) {
	disk, file := areaFile(t)
	path := filepath.Join(scratch(t), "f")
	c := talk(t, areaWords(disk, "write", path, "-", "-", "-1")...)
	want := ""
	c.say(inline("begin"))
	want += "begin"
	c.say(u32(openRecord))
	if c.hear(1) != "\x01" {
		t.Fatal("it is there")
	}
	for n := range 5 {
		piece := strings.Repeat(string(rune('a'+n)), testPiece-n)
		_, err := file.WriteAt([]byte(piece), testBase+int64(n%testCount*testPiece))
		must(t, err)
		c.say(u32(uint32(len(piece))))
		if c.hear(1) != "\x01" {
			t.Fatal("taken")
		}
		want += piece
	}
	c.say(inline("end") + u32(0))
	want += "end"
	if code := c.wait(); code != 0 || get(t, path) != want {
		t.Fatal(code, c.err.String(), len(get(t, path)))
	}
}

func TestAreaOutput(t *testing.T) {
	disk, file := areaFile(t)
	want := strings.Repeat("0123456789", 40_000) + "end"
	path := put(t, filepath.Join(scratch(t), "f"), want, 0o644)
	for _, tool := range [][]string{{"read", path, "0", "-1"}, {"pack", path}} {
		c := talk(t, areaWords(disk, tool...)...)
		got := ""
		for n := 0; ; {
			var head [4]byte
			if _, err := io.ReadFull(c.out, head[:]); err == io.EOF {
				break
			}
			size := binary.LittleEndian.Uint32(head[:])
			if size >= inlineBit {
				got += c.hear(int(size - inlineBit))
				continue
			}
			b := make([]byte, size)
			_, err := file.ReadAt(b, testBase+int64(n%testCount*testPiece))
			must(t, err)
			got += string(b)
			n++
			io.WriteString(c.in, "\x01") // it may have ended meanwhile
		}
		if c.wait() != 0 || tool[0] == "read" && got != want || !strings.Contains(got, "0123456789end") {
			t.Fatal(tool[0], len(got), c.err.String())
		}
	}
}

// TestAreaUnused: where it is not there, or not worth it, all is in the records.
func TestAreaUnused(t *testing.T) {
	disk, file := areaFile(t)
	path := filepath.Join(scratch(t), "f")
	runIn(t, inline("small")+u32(0), areaWords(disk, "write", path, "-", "-", "5")...).ok()
	if c := run(t, areaWords(disk, "read", path, "0", "-1")...).ok(); string(c.stdout) != inline("small") {
		t.Fatalf("%q", c.stdout)
	}
	large := strings.Repeat("x", testPiece)
	for _, name := range []string{"no-such-serial", "", "/no/such/file", "/dev/null", "/"} {
		c := runIn(t, u32(openRecord)+inline(large)+u32(0), areaWords(name, "write", path, "-", "-", "-1")...).ok()
		if string(c.stdout) != "\x00" || get(t, path) != large {
			t.Fatalf("%s: %q", name, c.stdout)
		}
		if c = run(t, areaWords(name, "read", path, "0", "-1")...).ok(); string(c.stdout) != inline(large) {
			t.Fatalf("%s: %d bytes", name, len(c.stdout))
		}
	}
	// Another tool has this part of it, but not the rest.
	lock := syscall.Flock_t{Type: exclusive, Start: testBase + testPiece, Len: 1}
	must(t, syscall.FcntlFlock(file.Fd(), setLock, &lock))
	if c := run(t, areaWords(disk, "read", path, "0", "-1")...).ok(); string(c.stdout) != inline(large) {
		t.Fatal("it is locked")
	}
	lock.Start = testBase + testPiece*testCount
	must(t, syscall.FcntlFlock(file.Fd(), setLock, &syscall.Flock_t{Type: syscall.F_UNLCK}))
	must(t, syscall.FcntlFlock(file.Fd(), setLock, &lock))
	if c := run(t, areaWords(disk, "read", path, "0", "-1")...).ok(); string(c.stdout) != u32(testPiece) {
		t.Fatal("that of others is locked")
	}
}

func TestAreaHostile(t *testing.T) {
	disk, _ := areaFile(t)
	dir := scratch(t)
	path := put(t, filepath.Join(dir, "f"), "old", 0o644)
	for name, in := range map[string]string{
		"piece before it is open": u32(5) + u32(0),
		"long piece":              u32(openRecord) + u32(testPiece+1) + u32(0),
		"empty record":            u32(inlineBit) + u32(0),
		"long record":             u32(inlineBit+maxInline+1) + u32(0),
	} {
		runIn(t, in, areaWords(disk, "write", path, "-", "-", "-1")...).fails(syscall.EBADMSG, "read", "stdin")
		if get(t, path) != "old" {
			t.Fatal(name)
		}
	}
	for _, in := range []string{"", "abc", inline("abc"), inline("abc")[:6]} {
		runIn(t, in, areaWords(disk, "write", path, "-", "-", "-1")...).fails(syscall.ECANCELED, "read", "stdin")
	}
	runIn(t, "x", areaWords(disk, "unpack", path, "-")...).fails(syscall.ECANCELED, "read", "stdin")
	big := put(t, filepath.Join(dir, "big"), strings.Repeat("x", 9*testPiece), 0o644)
	runIn(t, strings.Repeat("\x01", testCount+1), areaWords(disk, "read", big, "0", "-1")...).fails(syscall.EBADMSG, "write", "stdout")
	runIn(t, "", areaWords(disk, "read", big, "0", "-1")...).fails(syscall.EPIPE, "write", "stdout")
	holds(t, dir, "big", "f")
}

func TestAreaUsage(t *testing.T) {
	for _, words := range [][]string{
		{"area"}, {"area", "x", "0", "65536", "4"}, {"area", "x", "0", "65536", "4", "stat", "/"}, {"area", "x", "1", "65536", "4", "read", "/", "0", "1"},
		{"area", "x", "0", "65537", "4", "read", "/", "0", "1"}, {"area", "x", "0", "4096", "4", "read", "/", "0", "1"}, {"area", "x", "0", "8388608", "4", "read", "/", "0", "1"},
		{"area", "x", "0", "65536", "0", "read", "/", "0", "1"}, {"area", "x", "0", "65536", "65", "read", "/", "0", "1"}, {"area", "x", "0", "65536", "4", "area", "x"},
	} {
		if c := run(t, words...); c.code != 2 || !strings.HasPrefix(string(c.stderr), "usage:\n") {
			t.Errorf("%q: %d %q", words, c.code, c.stderr)
		}
	}
}
