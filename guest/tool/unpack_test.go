package tool

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"smolvm/guest/tree"
)

// whole adds a file that has all its bytes in one piece.
func whole(b []byte, path, text string) []byte {
	b = tree.AppendFile(b, path, 0o644, 0, int64(len(text)))
	if text != "" {
		b = append(tree.AppendPiece(b, 0, len(text)), text...)
	}
	return tree.AppendPiece(b, 0, 0)
}

func rootFolder() []byte { return tree.AppendFolder(nil, "", 0o750, 1e9) }

func end(b []byte) string { return string(tree.AppendEnd(b, 0)) }

// TestHostile sends streams that are to fail, into a new folder and into one
// that is there, and looks that nothing is left or changed anywhere.
func TestHostile(t *testing.T) {
	streams := map[string]string{
		"traversal":        end(whole(rootFolder(), "../out", "x")),
		"inner traversal":  end(whole(tree.AppendFolder(rootFolder(), "d", 0o755, 0), "d/../../out", "x")),
		"absolute":         end(whole(rootFolder(), "/tmp/out", "x")),
		"through its link": end(whole(tree.AppendLink(rootFolder(), "d", 0, ".."), "d/out", "x")),
		"over its link":    end(whole(tree.AppendLink(rootFolder(), "out", 0, "../out"), "out", "x")),
		"folder over link": end(whole(tree.AppendFolder(tree.AppendLink(rootFolder(), "d", 0, ".."), "d", 0o755, 0), "d/out", "x")),
		"duplicate":        end(whole(whole(rootFolder(), "a", "x"), "a", "y")),
		"no parent":        end(whole(rootFolder(), "d/a", "x")),
		"no end":           string(rootFolder()),
		"bytes after":      end(rootFolder()) + "x",
		"huge length":      string(rootFolder()) + "F\xff\xff\xff\x7f",
		"failed":           string(tree.AppendFailed(rootFolder(), "no more")),
	}
	for name, stream := range streams {
		errno := syscall.EBADMSG
		if name == "failed" {
			errno = syscall.ECANCELED
		}
		dir := scratch(t)
		runIn(t, stream, "unpack", dir+"/to", "-").fails(errno, "stream", dir+"/to")
		holds(t, dir)
		must(t, os.Mkdir(dir+"/to", 0o755))
		runIn(t, stream, "unpack", dir+"/to", "m").fails(errno, "stream", dir+"/to")
		holds(t, dir, "to")
	}
	dir := scratch(t)
	c := runIn(t, string(tree.AppendPiece(tree.AppendFile(nil, "", 0o644, 0, 1<<62), 0, 0)), "unpack", dir+"/to", "-")
	c.fails(syscall.EFBIG, "ftruncate", dir+"/to")
	holds(t, dir)
}

func TestTruncated(t *testing.T) {
	b := whole(rootFolder(), "f", "text")
	b = tree.AppendFolder(b, "d", 0o555, 0)
	stream := end(tree.AppendLink(whole(b, "d/g", "more"), "d/l", 0, "f"))
	dir := scratch(t)
	for cut := range stream {
		(&call{t: t, args: []string{"unpack", dir + "/to", "-"}, stdin: []byte(stream[:cut]), nobody: true}).run().fails(syscall.EBADMSG, "stream", dir+"/to")
		holds(t, dir)
	}
	runIn(t, stream, "unpack", dir+"/to", "-").ok()
	file := string(tree.AppendFile(nil, "", 0o644, 0, 3)) + string(tree.AppendPiece(nil, 1, 2)) + "ab" + end(tree.AppendPiece(nil, 0, 0))
	for cut := range file {
		runIn(t, file[:cut], "unpack", dir+"/file", "-").fails(syscall.EBADMSG, "stream", dir+"/file")
		holds(t, dir, "to")
	}
	runIn(t, file, "unpack", dir+"/file", "-").ok()
	if got := get(t, dir+"/file"); got != "\x00ab" {
		t.Fatalf("%q", got)
	}
}

// TestMergeLinks: links that are there are not followed either.
func TestMergeLinks(t *testing.T) {
	dir := scratch(t)
	must(t, os.MkdirAll(dir+"/to", 0o755))
	must(t, os.Mkdir(dir+"/out", 0o755))
	must(t, os.Symlink("../out", dir+"/to/d"))
	put(t, dir+"/out/f", "outside", 0o644)
	must(t, os.Symlink("../out/f", dir+"/to/f"))
	stream := end(whole(tree.AppendFolder(rootFolder(), "d", 0o755, 0), "d/x", "x"))
	runIn(t, stream, "unpack", dir+"/to", "m").fails(syscall.ENOTDIR, "mkdir", dir+"/to/d")
	holds(t, dir+"/out", "f")
	runIn(t, end(whole(rootFolder(), "f", "new")), "unpack", dir+"/to", "m").ok()
	if get(t, dir+"/out/f") != "outside" || get(t, dir+"/to/f") != "new" {
		t.Fatal("the link is to be replaced, not what it names")
	}
	// PATH itself may be a link to a folder, but not to nowhere.
	must(t, os.Symlink("to", dir+"/link"))
	runIn(t, end(whole(rootFolder(), "g", "new")), "unpack", dir+"/link", "m").ok()
	if get(t, dir+"/to/g") != "new" {
		t.Fatal("through PATH")
	}
	must(t, os.Symlink("nowhere", dir+"/dangling"))
	runIn(t, end(rootFolder()), "unpack", dir+"/dangling", "m").fails(syscall.EEXIST, "open", dir+"/dangling")
	holds(t, dir, "dangling", "link", "out", "to")
}

func TestMerge(t *testing.T) {
	dir := scratch(t)
	must(t, os.MkdirAll(dir+"/to/old", 0o700))
	must(t, os.Chmod(dir+"/to", 0o711))
	put(t, dir+"/to/old/keep", "kept", 0o600)
	put(t, dir+"/to/old/over", "old", 0o600)
	before := time.Unix(5, 0)
	must(t, os.Chtimes(dir+"/to", before, before))
	b := tree.AppendFolder(rootFolder(), "old", 0o755, 7)
	b = whole(b, "old/over", "new")
	b = tree.AppendFolder(b, "new", 0o555, 7e9)
	b = whole(b, "new/f", "f")
	b = tree.AppendLink(b, "new/l", 8e9, "f")
	runIn(t, end(b), "unpack", dir+"/to", "mp").ok()
	if get(t, dir+"/to/old/over") != "new" || get(t, dir+"/to/old/keep") != "kept" || get(t, dir+"/to/new/l") != "f" {
		t.Fatal("content")
	}
	if modeOf(t, dir+"/to") != 0o711 || modeOf(t, dir+"/to/old") != 0o700 || modeOf(t, dir+"/to/new") != 0o555 || modeOf(t, dir+"/to/old/over") != 0o644 {
		t.Fatal("folders that are there stay as they are, all else is as sent")
	}
	var st syscall.Stat_t
	must(t, syscall.Stat(dir+"/to/new", &st))
	if nanos(st.Mtim) != 7e9 {
		t.Fatal(st.Mtim)
	}
	holds(t, dir+"/to/old", "keep", "over")
	holds(t, dir+"/to", "new", "old")
	// A file in place of a folder and the reverse.
	runIn(t, end(whole(rootFolder(), "old", "x")), "unpack", dir+"/to", "m").fails(syscall.EISDIR, "open", dir+"/to/old")
	b = tree.AppendFolder(rootFolder(), "old", 0o755, 0)
	runIn(t, end(tree.AppendFolder(b, "old/keep", 0o755, 0)), "unpack", dir+"/to", "m").fails(syscall.ENOTDIR, "mkdir", dir+"/to/old/keep")
	runIn(t, end(b), "unpack", dir+"/to/old/keep", "m").fails(syscall.ENOTDIR, "open", dir+"/to/old/keep")
	holds(t, dir+"/to/old", "keep", "over")
}

func TestUnpackUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs two users")
	}
	dir := scratch(t)
	must(t, os.Mkdir(dir+"/closed", 0o755))
	c := &call{t: t, args: []string{"unpack", dir + "/closed/to", "-"}, stdin: []byte(end(rootFolder())), nobody: true}
	c.run().fails(syscall.EACCES, "mkdir", dir+"/closed/to")
	c = &call{t: t, args: []string{"unpack", dir + "/closed", "m"}, stdin: []byte(end(whole(rootFolder(), "f", "x"))), nobody: true}
	c.run().fails(syscall.EACCES, "open", dir+"/closed/f")
	holds(t, dir+"/closed")
}

func TestUnpackKilled(t *testing.T) {
	dir := scratch(t)
	put(t, dir+"/f", "old", 0o644)
	must(t, os.Mkdir(dir+"/to", 0o755))
	put(t, dir+"/to/f", "old", 0o644)
	half := tree.AppendFile(nil, "", 0o644, 0, 1<<20)
	half = append(tree.AppendPiece(half, 0, 1<<20), make([]byte, 300_000)...)
	inner := tree.AppendFile(rootFolder(), "f", 0o644, 0, 1<<20)
	inner = append(tree.AppendPiece(inner, 0, 1<<20), make([]byte, 300_000)...)
	for _, tc := range []struct {
		path, flags string
		stream      []byte
	}{{"/f", "-", half}, {"/to", "m", inner}, {"/new", "-", inner}} {
		cmd, in := begin(t, "unpack", dir+tc.path, tc.flags)
		in.Write(tc.stream)
		cmd.Process.Kill()
		cmd.Wait()
	}
	if get(t, dir+"/f") != "old" || get(t, dir+"/to/f") != "old" {
		t.Fatal("half a file is in place")
	}
	holds(t, dir+"/to", "f")
	// Of a new folder only the hidden one can be left over.
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if name := e.Name(); name != "f" && name != "to" && !strings.HasPrefix(name, ".smolvm-") {
			t.Fatalf("%q", name)
		}
	}
}
