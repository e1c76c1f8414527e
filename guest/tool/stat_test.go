package tool

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// record is what stat, lstat and list tell of a file.
type record struct {
	kind           byte
	mode, uid, gid uint32
	size           uint64
	mtime          int64
	name, target   string
}

// records decodes with other code than that which encodes.
func records(t *testing.T, b []byte) (all []record) {
	t.Helper()
	le := binary.LittleEndian
	str := func() string {
		n := le.Uint32(b)
		s := string(b[4 : 4+n])
		b = b[4+n:]
		return s
	}
	for len(b) > 0 {
		r := record{b[0], le.Uint32(b[1:]), le.Uint32(b[5:]), le.Uint32(b[9:]), le.Uint64(b[13:]), int64(le.Uint64(b[21:])), "", ""}
		b = b[29:]
		r.name, r.target = str(), str()
		all = append(all, r)
	}
	return all
}

func TestStat(t *testing.T) {
	dir := scratch(t)
	path := put(t, filepath.Join(dir, "a b\n\xff"), "12345", 0o4640)
	must(t, syscall.Chmod(path, 0o4640))
	when := time.Unix(-5, 999)
	must(t, os.Chtimes(path, when, when))
	want := record{'f', 0o4640, uint32(os.Getuid()), uint32(os.Getgid()), 5, -5e9 + 999, path, ""}
	for _, tool := range []string{"stat", "lstat"} {
		if got := records(t, run(t, tool, path).ok().stdout); len(got) != 1 || got[0] != want {
			t.Fatalf("%s: %+v", tool, got)
		}
	}
	link := filepath.Join(dir, "link")
	must(t, os.Symlink(path, link))
	want.name = link
	if got := records(t, run(t, "stat", link).ok().stdout)[0]; got != want {
		t.Fatalf("%+v", got)
	}
	if got := records(t, run(t, "lstat", link).ok().stdout)[0]; got.kind != 'l' || got.target != path || got.mode != 0o777 {
		t.Fatalf("%+v", got)
	}
	run(t, "stat", filepath.Join(dir, "no\nne")).fails(syscall.ENOENT, "stat", filepath.Join(dir, "no\nne"))
	run(t, "stat", "").fails(syscall.ENOENT, "stat", "")
	run(t, "stat", path+"/x").fails(syscall.ENOTDIR, "stat", path+"/x")
}

func TestList(t *testing.T) {
	dir := scratch(t)
	must(t, os.Mkdir(filepath.Join(dir, "d"), 0o1755))
	must(t, os.Symlink("to nowhere", filepath.Join(dir, "l")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "p"), 0o600))
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	must(t, err)
	defer syscall.Close(fd)
	must(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: filepath.Join(dir, "s")}))
	put(t, filepath.Join(dir, "\xfe\n "), "x", 0o644)
	kinds := map[string]string{}
	for _, r := range records(t, run(t, "list", dir).ok().stdout) {
		kinds[r.name] = string(r.kind) + r.target
	}
	for name, want := range map[string]string{"d": "d", "l": "lto nowhere", "p": "p", "s": "s", "\xfe\n ": "f"} {
		if kinds[name] != want {
			t.Errorf("%q: %q, want %q", name, kinds[name], want)
		}
	}
	if len(kinds) != 5 {
		t.Errorf("%q", kinds)
	}
	run(t, "list", filepath.Join(dir, "p")).fails(syscall.ENOTDIR, "open", filepath.Join(dir, "p"))
	for _, r := range records(t, run(t, "list", "/dev").ok().stdout) {
		if r.name == "null" && r.kind != 'c' {
			t.Errorf("%+v", r)
		}
	}
	(&call{t: t, args: []string{"list", "/proc/1"}, nobody: true}).run().ok()
}

func TestListMany(t *testing.T) {
	dir := scratch(t)
	const count = 3000
	long := strings.Repeat("n", 200)
	for i := range count {
		put(t, filepath.Join(dir, long+strconv.Itoa(i)), "", 0o644)
	}
	seen := map[string]bool{}
	for _, r := range records(t, run(t, "list", dir).ok().stdout) {
		seen[r.name] = true
	}
	if len(seen) != count {
		t.Fatalf("%d names", len(seen))
	}
}
