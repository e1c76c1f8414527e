package tool

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestMkdir(t *testing.T) {
	dir := scratch(t)
	run(t, "mkdir", dir+"/a", "1700", "-").ok()
	run(t, "mkdir", dir+"/b", "-", "-").ok()
	run(t, "mkdir", dir+"/c", "2777", "p").ok()
	run(t, "mkdir", dir+"/x//y/z/", "700", "p").ok()
	for path, mode := range map[string]uint32{"a": 0o1700, "b": 0o755, "c": 0o2777, "x": 0o755, "x/y": 0o755, "x/y/z": 0o700} {
		if got := modeOf(t, dir+"/"+path); got != mode {
			t.Errorf("%s: %o", path, got)
		}
	}
	must(t, os.Symlink("a", dir+"/l"))
	run(t, "mkdir", dir+"/l", "-", "p").ok()
	run(t, "mkdir", dir+"/a", "755", "p").ok()
	if modeOf(t, dir+"/a") != 0o1700 {
		t.Error("a folder that is there stays as it is")
	}
	put(t, dir+"/f", "", 0o644)
	run(t, "mkdir", dir+"/a", "755", "-").fails(syscall.EEXIST, "mkdir", dir+"/a")
	run(t, "mkdir", dir+"/f", "755", "p").fails(syscall.EEXIST, "mkdir", dir+"/f")
	run(t, "mkdir", dir+"/f/g/h", "755", "p").fails(syscall.ENOTDIR, "mkdir", dir+"/f/g")
	run(t, "mkdir", dir+"/n/m", "755", "-").fails(syscall.ENOENT, "mkdir", dir+"/n/m")
	run(t, "mkdir", "", "755", "p").fails(syscall.ENOENT, "mkdir", "")
	run(t, "mkdir", "/", "755", "p").ok()
}

func TestRename(t *testing.T) {
	dir := scratch(t)
	a, b := put(t, dir+"/a", "a", 0o644), put(t, dir+"/b", "b", 0o644)
	run(t, "rename", a, b, "x").fails(syscall.EEXIST, "rename", a)
	run(t, "rename", a, b, "-").ok()
	if get(t, b) != "a" {
		t.Fatal(get(t, b))
	}
	run(t, "rename", b, a, "x").ok()
	holds(t, dir, "a")
	run(t, "rename", b, a, "-").fails(syscall.ENOENT, "rename", b)
}

func TestChmod(t *testing.T) {
	dir := scratch(t)
	path := put(t, dir+"/a", "a", 0o644)
	must(t, os.Symlink("a", dir+"/l"))
	run(t, "chmod", dir+"/l", "07501").ok()
	if got := modeOf(t, path); got != 0o7501 {
		t.Fatalf("%o", got)
	}
	run(t, "chmod", dir+"/b", "0").fails(syscall.ENOENT, "chmod", dir+"/b")
	if os.Getuid() == 0 {
		(&call{t: t, args: []string{"chmod", path, "777"}, nobody: true}).run().fails(syscall.EPERM, "chmod", path)
	}
}

func TestRemove(t *testing.T) {
	dir := scratch(t)
	keep := put(t, dir+"/keep", "keep", 0o644)
	must(t, os.Mkdir(dir+"/d", 0o755))
	must(t, os.Mkdir(dir+"/empty", 0o755))
	must(t, os.Symlink("..", dir+"/d/up"))
	must(t, os.Symlink("d", dir+"/l"))
	put(t, dir+"/d/\n\xff ", "", 0)
	run(t, "remove", dir+"/empty", "-").ok()
	run(t, "remove", dir+"/d", "f").fails(syscall.ENOTEMPTY, "rmdir", dir+"/d")
	run(t, "remove", dir+"/l/", "r").ok() // the link, not what it names
	holds(t, dir, "d", "keep")
	run(t, "remove", dir+"/d", "r").ok()
	holds(t, dir, "keep")
	run(t, "remove", dir+"/d", "r").fails(syscall.ENOENT, "unlink", dir+"/d")
	run(t, "remove", dir+"/d", "rf").ok()
	run(t, "remove", dir+"/no/d", "f").ok()
	run(t, "remove", keep+"/d", "f").fails(syscall.ENOTDIR, "unlink", keep+"/d")
	run(t, "remove", "/", "rf").fails(syscall.EBUSY, "unlink", "/")
	run(t, "remove", "//", "rf").fails(syscall.EBUSY, "unlink", "/")
	for _, last := range []string{".", ".."} {
		run(t, "remove", dir+"/"+last, "rf").fails(syscall.EINVAL, "unlink", dir+"/"+last)
	}
	run(t, "remove", keep, "-").ok()
	holds(t, dir)
}

func TestRemoveMany(t *testing.T) {
	dir := scratch(t)
	for i := range 20 {
		sub := filepath.Join(dir, "d", strings.Repeat("n", 150)+string(rune('a'+i)), "s")
		must(t, os.MkdirAll(sub, 0o755))
		for j := range 60 {
			put(t, filepath.Join(sub, strings.Repeat("m", 150)+string(rune('a'+j))), "", 0o644)
		}
	}
	run(t, "remove", dir+"/d", "r").ok()
	holds(t, dir)
}

// chain makes folders one in another, deeper than any path can tell, each with
// a file beside the next one.
func chain(t *testing.T, dir string, depth int) {
	t.Helper()
	at, errno := openAt(atCwd, dir, toFolder, 0)
	for ; depth > 0 && errno == 0; depth-- {
		file, e := openAt(at, "file", syscall.O_WRONLY|syscall.O_CREAT, 0o644)
		closeFd(file)
		if errno = orElse(e, mkdirAt(at, "next", 0o755)); errno == 0 {
			up := at
			at, errno = openAt(up, "next", toFolder, 0)
			closeFd(up)
		}
	}
	closeFd(at)
	if errno != 0 {
		t.Fatal(errno)
	}
}

func TestRemoveDeep(t *testing.T) {
	dir := scratch(t)
	must(t, os.Mkdir(dir+"/d", 0o755))
	chain(t, dir+"/d", 700)
	run(t, "remove", dir+"/d", "r").ok()
	holds(t, dir)
}

func TestRemoveDenied(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs files of another user")
	}
	dir := scratch(t)
	must(t, os.MkdirAll(dir+"/d/e", 0o755))
	put(t, dir+"/d/e/f", "", 0o644)
	(&call{t: t, args: []string{"remove", dir + "/d", "r"}, nobody: true}).run().fails(syscall.EACCES, "unlink", dir+"/d/e/f")
}
