package tool

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"smolvm/guest/tree"
)

// snapshot tells all that a tree stream carries, of a tree on disk.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		var st syscall.Stat_t
		must(t, syscall.Lstat(path, &st))
		rel, _ := filepath.Rel(root, path)
		what := string(letter(st.Mode)) + itoa(nanos(st.Mtim))
		switch d.Type() {
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			must(t, err)
			what += " " + target
		case 0:
			what += " " + itoa(int64(st.Mode)) + " " + get(t, path)
		default:
			what += " " + itoa(int64(st.Mode))
		}
		all[rel] = what
		return nil
	}))
	return all
}

func same(t *testing.T, a, b string) {
	t.Helper()
	x, y := snapshot(t, a), snapshot(t, b)
	for rel := range x {
		if x[rel] != y[rel] {
			t.Errorf("%q: %.200q, %.200q", rel, x[rel], y[rel])
		}
	}
	if len(x) != len(y) {
		t.Errorf("%d and %d entries", len(x), len(y))
	}
}

// odd makes a tree of all that is worth a test.
func odd(t *testing.T, root string) {
	t.Helper()
	must(t, os.MkdirAll(root+"/a/b \n\xff/c", 0o755))
	must(t, os.Mkdir(root+"/closed", 0o755))
	must(t, os.Mkdir(root+"/empty", 0o755))
	put(t, root+"/a/big", strings.Repeat("0123456789abcdef", 20_000), 0o640)
	put(t, root+"/a/b \n\xff/-rf *", "x", 0o644)
	put(t, root+"/closed/in", "inside", 0o400)
	put(t, root+"/none", "", 0)
	put(t, root+"/setuid", "#!", 0o755)
	must(t, syscall.Chmod(root+"/setuid", 0o6755))
	must(t, os.Symlink("/etc/passwd", root+"/abs"))
	must(t, os.Symlink("../../..", root+"/a/up"))
	must(t, os.Symlink("\xfe nowhere\n", root+"/a/b \n\xff/dangling"))
	must(t, syscall.Chmod(root+"/empty", 0o1777))
	must(t, syscall.Chmod(root+"/closed", 0o555))
	old := time.Unix(-1, 5)
	must(t, os.Chtimes(root+"/closed/in", old, old))
	must(t, os.Chtimes(root+"/closed", old, old))
	must(t, os.Chtimes(root+"/a", time.Unix(1e9, 123456789), time.Unix(1e9, 123456789)))
}

func TestPackUnpack(t *testing.T) {
	for _, user := range []bool{false, true} {
		dir := scratch(t)
		odd(t, dir+"/from")
		if user {
			must(t, os.Chmod(dir+"/from/none", 0o604))
			if os.Getuid() == 0 { // as one who may read it all
				out, err := exec.Command("chown", "-R", "65534:65534", dir+"/from").CombinedOutput()
				if err != nil {
					t.Fatal(string(out))
				}
				must(t, syscall.Chmod(dir+"/from/setuid", 0o6755))
			}
		} else if os.Getuid() != 0 {
			continue // the file of mode 0
		}
		stream := (&call{t: t, args: []string{"pack", dir + "/from"}, nobody: user}).run().ok().stdout
		(&call{t: t, args: []string{"unpack", dir + "/to", "-"}, nobody: user, stdin: stream}).run().ok()
		same(t, dir+"/from", dir+"/to")
		holds(t, dir, "from", "to")
		(&call{t: t, args: []string{"unpack", dir + "/to", "-"}, nobody: user, stdin: stream}).run().fails(syscall.EEXIST, "open", dir+"/to")
	}
}

func TestPackOne(t *testing.T) {
	dir := scratch(t)
	path := put(t, dir+"/f", "text", 0o604)
	must(t, os.Symlink("f", dir+"/l"))
	file, link := run(t, "pack", path).ok().stdout, run(t, "pack", dir+"/l").ok().stdout
	if followed := run(t, "pack", dir+"/l", "l").ok().stdout; string(followed) != string(file) {
		t.Fatalf("followed %q, the file is %q", followed, file)
	}
	runIn(t, string(file), "unpack", dir+"/x/y/g", "p").ok()
	runIn(t, string(file), "unpack", dir+"/x/y/h/", "-").ok()
	runIn(t, string(link), "unpack", dir+"/x/m", "-").ok()
	same(t, path, dir+"/x/y/g")
	same(t, path, dir+"/x/y/h")
	same(t, dir+"/l", dir+"/x/m")
	// A file or a symlink takes the place of a file or a symlink.
	runIn(t, string(link), "unpack", dir+"/x/y/g", "-").ok()
	same(t, dir+"/l", dir+"/x/y/g")
	runIn(t, string(file), "unpack", dir+"/x/m", "m").ok()
	same(t, path, dir+"/x/m")
	holds(t, dir+"/x", "m", "y")
	holds(t, dir+"/x/y", "g", "h")
	runIn(t, string(file), "unpack", dir+"/x", "m").fails(syscall.EISDIR, "open", dir+"/x")
	runIn(t, string(file), "unpack", "/", "m").fails(syscall.EISDIR, "open", "/")
	runIn(t, string(file), "unpack", dir+"/n/m", "-").fails(syscall.ENOENT, "open", dir+"/n/m")
	must(t, syscall.Mkfifo(dir+"/fifo", 0o600))
	runIn(t, string(file), "unpack", dir+"/fifo", "-").fails(syscall.EEXIST, "open", dir+"/fifo")
}

func TestPackRefused(t *testing.T) {
	dir := scratch(t)
	must(t, syscall.Mkfifo(dir+"/fifo", 0o600))
	failed := func(c *call, errno syscall.Errno, op, path string) {
		t.Helper()
		c.fails(errno, op, path)
		if want := tree.AppendFailed(nil, string(c.stderr)); !bytes.HasSuffix(c.stdout, want) {
			t.Fatalf("the stream ends in %.100q", c.stdout)
		}
		// And no receiver takes it.
		r := runIn(t, string(c.stdout), "unpack", dir+"/to", "-")
		r.fails(syscall.ECANCELED, "stream", dir+"/to")
	}
	failed(run(t, "pack", dir+"/fifo"), syscall.EINVAL, "pack", dir+"/fifo")
	failed(run(t, "pack", dir+"/no"), syscall.ENOENT, "stat", dir+"/no")
	must(t, os.Mkdir(dir+"/deep", 0o755))
	chain(t, dir+"/deep", tree.MaxDepth)
	below := put(t, dir+"/deep"+strings.Repeat("/next", tree.MaxDepth)+"/file", "", 0o644)
	failed(run(t, "pack", dir+"/deep"), syscall.ENAMETOOLONG, "pack", below)
	if os.Getuid() == 0 {
		must(t, os.Mkdir(dir+"/d", 0o755))
		put(t, dir+"/d/secret", "x", 0)
		failed((&call{t: t, args: []string{"pack", dir + "/d"}, nobody: true}).run(), syscall.EACCES, "open", dir+"/d/secret")
	}
}

func TestPackDeep(t *testing.T) {
	dir := scratch(t)
	must(t, os.Mkdir(dir+"/from", 0o755))
	chain(t, dir+"/from", tree.MaxDepth)
	stream := run(t, "pack", dir+"/from").ok().stdout
	runIn(t, string(stream), "unpack", dir+"/to", "-").ok()
	same(t, dir+"/from", dir+"/to")
}

func TestPackSkips(t *testing.T) {
	dir := scratch(t)
	must(t, os.Mkdir(dir+"/d", 0o755))
	must(t, syscall.Mkfifo(dir+"/d/a", 0o600))
	must(t, syscall.Mkfifo(dir+"/d/b", 0o600))
	stream := run(t, "pack", dir+"/d").ok().stdout
	if !bytes.HasSuffix(stream, tree.AppendEnd(nil, 2)) {
		t.Fatalf("%q", stream)
	}
	runIn(t, string(stream), "unpack", dir+"/to", "-").ok()
	holds(t, dir+"/to")
}

func TestSparse(t *testing.T) {
	dir := scratch(t)
	const size = 1 << 36
	file, err := os.Create(dir + "/from")
	must(t, err)
	must(t, file.Truncate(size))
	for _, at := range []int64{0, 100_000, 1 << 30, size - 3} {
		_, err = file.WriteAt([]byte("abc"), at)
		must(t, err)
	}
	must(t, file.Close())
	var st syscall.Stat_t
	must(t, syscall.Stat(dir+"/from", &st))
	if st.Blocks > 1000 {
		t.Skip("no holes in this file system")
	}
	stream := run(t, "pack", dir+"/from").ok().stdout
	if len(stream) > 100_000 {
		t.Fatalf("%d bytes", len(stream))
	}
	runIn(t, string(stream), "unpack", dir+"/to", "-").ok()
	must(t, syscall.Stat(dir+"/to", &st))
	if st.Size != size || st.Blocks > 1000 {
		t.Fatalf("%d bytes, %d blocks", st.Size, st.Blocks)
	}
	file, err = os.Open(dir + "/to")
	must(t, err)
	defer file.Close()
	for _, at := range []int64{0, 100_000, 1 << 30, size - 3} {
		b := make([]byte, 3)
		if _, err = file.ReadAt(b, at); err != nil || string(b) != "abc" {
			t.Fatalf("%d: %q %v", at, b, err)
		}
	}
	// A hole at the end, and nothing but a hole.
	must(t, os.Truncate(dir+"/to", size+5))
	must(t, os.WriteFile(dir+"/hole", nil, 0o644))
	must(t, os.Truncate(dir+"/hole", 1<<20))
	for _, name := range []string{"to", "hole"} {
		stream = run(t, "pack", dir+"/"+name).ok().stdout
		runIn(t, string(stream), "unpack", dir+"/again", "-").ok()
		var a, b syscall.Stat_t
		must(t, syscall.Stat(dir+"/"+name, &a))
		must(t, syscall.Stat(dir+"/again", &b))
		if a.Size != b.Size || b.Blocks > 1000 {
			t.Fatalf("%s: %d and %d bytes, %d blocks", name, a.Size, b.Size, b.Blocks)
		}
	}
}

// TestPackChanging packs a file that is cut and one that grows. The pipe is
// full meanwhile: the tool waits in the middle.
func TestPackChanging(t *testing.T) {
	dir := scratch(t)
	path := put(t, dir+"/f", strings.Repeat("x", 1<<20), 0o644)
	for _, change := range []struct {
		size int64
		fail bool
	}{{2 << 20, false}, {1 << 19, true}} {
		must(t, os.Truncate(path, 1<<20))
		cmd := (&call{t: t, args: []string{"pack", path}}).command()
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		var stream bytes.Buffer
		b := make([]byte, 100)
		n, err := out.Read(b)
		must(t, err)
		stream.Write(b[:n])
		time.Sleep(100 * time.Millisecond) // it has filled the pipe and waits
		must(t, os.Truncate(path, change.size))
		_, err = stream.ReadFrom(out)
		must(t, err)
		err = cmd.Wait()
		if failed := err != nil; failed != change.fail {
			t.Fatalf("%+v: %v", change, err)
		}
		c := runIn(t, stream.String(), "unpack", dir+"/to", "-")
		if change.fail {
			c.fails(syscall.ECANCELED, "stream", dir+"/to")
			holds(t, dir, "f")
		} else if c.ok(); len(get(t, dir+"/to")) != 1<<20 {
			t.Fatal("the size that was told is the size that is sent")
		} else {
			must(t, os.Remove(dir+"/to"))
		}
	}
}
