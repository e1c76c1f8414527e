package tool

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	dir := scratch(t)
	path := filepath.Join(dir, "a b\n\xff")
	runIn(t, "first", "write", path, "-", "-", "-1").ok()
	if get(t, path) != "first" || modeOf(t, path) != 0o644 {
		t.Fatalf("%q %o", get(t, path), modeOf(t, path))
	}
	must(t, os.Chmod(path, 0o640))
	big := strings.Repeat("x", 200_000)
	runIn(t, big, "write", path, "-", "s", "200000").ok()
	if get(t, path) != big || modeOf(t, path) != 0o640 {
		t.Fatalf("%d %o", len(get(t, path)), modeOf(t, path))
	}
	runIn(t, "", "write", path, "4751", "-", "0").ok()
	if get(t, path) != "" || modeOf(t, path) != 0o4751 {
		t.Fatalf("%q %o", get(t, path), modeOf(t, path))
	}
	holds(t, dir, filepath.Base(path))
	// A relative path is one from the working folder.
	(&call{t: t, args: []string{"write", "rel", "0", "-", "1"}, dir: dir, stdin: []byte("r")}).run().ok()
	if modeOf(t, filepath.Join(dir, "rel")) != 0 {
		t.Fatal("mode 0 is a mode")
	}
}

func TestWriteRefused(t *testing.T) {
	dir := scratch(t)
	path := put(t, filepath.Join(dir, "f"), "old", 0o644)
	runIn(t, "new", "write", path, "-", "-", "4").fails(syscall.EIO, "size", path)
	runIn(t, "new", "write", path, "-", "-", "2").fails(syscall.EIO, "size", path)
	runIn(t, strings.Repeat("x", 300_000), "write", path, "-", "-", "299999").fails(syscall.EIO, "size", path)
	runIn(t, "new", "write", path, "-", "x", "3").fails(syscall.EEXIST, "open", path)
	runIn(t, "new", "write", dir, "-", "-", "3").fails(syscall.EISDIR, "open", dir)
	runIn(t, "new", "write", "/", "-", "-", "3").fails(syscall.EISDIR, "open", "/")
	runIn(t, "new", "write", dir+"/.", "-", "a", "3").fails(syscall.EISDIR, "open", dir+"/.")
	runIn(t, "new", "write", dir+"/n/", "-", "p", "3").fails(syscall.ENOENT, "open", dir+"/n/")
	runIn(t, "new", "write", dir+"/n/m", "-", "-", "3").fails(syscall.ENOENT, "open", dir+"/n/m")
	runIn(t, "new", "write", path+"/m", "-", "-", "3").fails(syscall.ENOTDIR, "open", path+"/m")
	runIn(t, "new", "write", "", "-", "-", "3").fails(syscall.ENOENT, "open", "")
	runIn(t, "new", "write", dir+"/new", "-", "-", "2").fails(syscall.EIO, "size", dir+"/new")
	if get(t, path) != "old" {
		t.Fatalf("%q", get(t, path))
	}
	holds(t, dir, "f")
	runIn(t, "new", "write", dir+"/x/y/z", "-", "px", "3").ok()
	if get(t, dir+"/x/y/z") != "new" || modeOf(t, dir+"/x") != 0o755 {
		t.Fatal("with parents")
	}
}

func TestWriteLinks(t *testing.T) {
	dir := scratch(t)
	must(t, os.Mkdir(dir+"/sub", 0o755))
	path := put(t, dir+"/sub/real", "old", 0o600)
	must(t, os.Symlink("sub/mid", dir+"/link"))
	must(t, os.Symlink("../sub/real", dir+"/sub/mid"))
	runIn(t, "new", "write", dir+"/link", "-", "-", "3").ok()
	if get(t, path) != "new" || modeOf(t, path) != 0o600 {
		t.Fatal("the file that the link names is to be replaced")
	}
	runIn(t, "+", "write", dir+"/link", "-", "a", "1").ok()
	if get(t, path) != "new+" {
		t.Fatal(get(t, path))
	}
	holds(t, dir+"/sub", "mid", "real")
	must(t, os.Symlink("sub/later", dir+"/dangling"))
	runIn(t, "x", "write", dir+"/dangling", "-", "x", "1").fails(syscall.EEXIST, "open", dir+"/dangling")
	runIn(t, "x", "write", dir+"/dangling", "-", "-", "1").ok()
	if get(t, dir+"/sub/later") != "x" {
		t.Fatal("a link to nowhere makes the file")
	}
	must(t, os.Symlink("loop", dir+"/loop"))
	runIn(t, "x", "write", dir+"/loop", "-", "-", "1").fails(syscall.ELOOP, "open", dir+"/loop")
	must(t, os.Symlink("sub", dir+"/folder"))
	runIn(t, "x", "write", dir+"/folder", "-", "-", "1").fails(syscall.EISDIR, "open", dir+"/folder")
}

func TestWriteAppend(t *testing.T) {
	dir := scratch(t)
	path := filepath.Join(dir, "f")
	runIn(t, "one", "write", path, "600", "ax", "3").ok()
	runIn(t, "two", "write", path, "-", "a", "-1").ok()
	if get(t, path) != "onetwo" || modeOf(t, path) != 0o600 {
		t.Fatalf("%q %o", get(t, path), modeOf(t, path))
	}
	runIn(t, "+", "write", path, "640", "as", "1").ok()
	if get(t, path) != "onetwo+" || modeOf(t, path) != 0o640 {
		t.Fatalf("%q %o", get(t, path), modeOf(t, path))
	}
	runIn(t, "three", "write", path, "-", "ax", "5").fails(syscall.EEXIST, "open", path)
	runIn(t, "three", "write", path, "-", "a", "6").fails(syscall.EIO, "size", path)
	runIn(t, strings.Repeat("x", 200_000), "write", path, "-", "a", "199999").fails(syscall.EIO, "size", path)
	runIn(t, "three", "write", dir+"/new", "-", "a", "6").fails(syscall.EIO, "size", dir+"/new")
	if get(t, path) != "onetwo+" {
		t.Fatal("nothing is to change")
	}
	holds(t, dir, "f")
}

func TestWriteOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := scratch(t)
	path := put(t, dir+"/f", "old", 0o600)
	must(t, os.Chown(path, nobody, 12))
	must(t, syscall.Chmod(path, 0o4750))
	runIn(t, "new", "write", path, "-", "-", "3").ok()
	var st syscall.Stat_t
	must(t, syscall.Stat(path, &st))
	if st.Uid != nobody || st.Gid != 12 || st.Mode&maxMode != 0o4750 || get(t, path) != "new" {
		t.Fatalf("%+v", st)
	}
	// An ordinary user cannot keep the owner: then no program may run as the new one.
	path = put(t, dir+"/root", "old", 0o644)
	must(t, syscall.Chmod(path, 0o4755))
	(&call{t: t, args: []string{"write", path, "-", "-", "3"}, stdin: []byte("usr"), nobody: true}).run().ok()
	must(t, syscall.Stat(path, &st))
	if st.Uid != nobody || st.Mode&maxMode != 0o755 || get(t, path) != "usr" {
		t.Fatalf("%+v", st)
	}
	must(t, os.Mkdir(dir+"/closed", 0o755))
	(&call{t: t, args: []string{"write", dir + "/closed/f", "-", "-", "3"}, stdin: []byte("usr"), nobody: true}).run().fails(syscall.EACCES, "open", dir+"/closed/f")
	holds(t, dir+"/closed")
}

func TestWriteDevice(t *testing.T) {
	dir := scratch(t)
	runIn(t, "text", "write", "/dev/null", "-", "-", "4").ok()
	runIn(t, "text", "write", "/dev/null", "-", "-", "3").fails(syscall.EIO, "size", "/dev/null")
	runIn(t, "text", "write", "/dev/full", "-", "a", "4").fails(syscall.ENOSPC, "write", "/dev/full")
	fifo := dir + "/fifo"
	must(t, syscall.Mkfifo(fifo, 0o600))
	runIn(t, "text", "write", fifo, "-", "-", "4").fails(syscall.ENXIO, "open", fifo)
	reader, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	must(t, err)
	defer reader.Close()
	big := strings.Repeat("x", 200_000)
	received := make(chan int)
	go func() {
		got := 0
		for end := time.Now().Add(20 * time.Second); got < len(big) && time.Now().Before(end); {
			n, err := reader.Read(make([]byte, 10_000))
			if err != nil {
				time.Sleep(time.Millisecond) // no writer yet
			}
			got += max(n, 0)
		}
		received <- got
	}()
	runIn(t, big, "write", fifo, "-", "-", "200000").ok()
	if got := <-received; got != len(big) {
		t.Fatal(got)
	}
	holds(t, dir, "fifo")
}

func TestWriteKilled(t *testing.T) {
	dir := scratch(t)
	path := put(t, dir+"/f", "old", 0o644)
	for _, flags := range []string{"-", "s"} {
		cmd, in := begin(t, "write", path, "-", flags, "-1")
		in.Write(make([]byte, 300_000)) // more than a pipe holds: the tool is at work
		cmd.Process.Kill()
		cmd.Wait()
		if get(t, path) != "old" {
			t.Fatal("half a file is in place")
		}
		holds(t, dir, "f")
	}
}

// TestHidden is the way of file systems without unnamed files.
func TestHidden(t *testing.T) {
	dir := scratch(t)
	fd, errno := openAt(atCwd, dir, toFolder, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	for _, only := range []bool{true, false} {
		hidden, errno := hide(func(name string) syscall.Errno { return check2(os.WriteFile(dir+"/"+name, []byte("x"), 0o600)) })
		if errno != 0 || len(hidden) != len(".smolvm-")+16 {
			t.Fatal(hidden, errno)
		}
		file, err := os.Open(dir + "/" + hidden)
		must(t, err)
		s := &staged{fd, int(file.Fd()), hidden}
		if errno, op := s.commit("name", only); errno != 0 || op != "rename" {
			t.Fatal(errno)
		}
		s.drop()
		holds(t, dir, "name")
	}
	s := &staged{fd, -1, "again"}
	put(t, dir+"/again", "", 0o600)
	if errno, _ := s.commit("name", true); errno != syscall.EEXIST {
		t.Fatal(errno)
	}
	s.drop()
	holds(t, dir, "name")
}

func check2(err error) syscall.Errno {
	if err != nil {
		return syscall.EIO
	}
	return 0
}
