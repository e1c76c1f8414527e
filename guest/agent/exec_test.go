package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"smolvm/guest/frame"
)

func TestOutputAndExit(t *testing.T) {
	h := one(t)
	c := h.run(5, sh("echo out; echo err >&2; exit 7"))
	if string(c.stdout) != "out\n" || string(c.stderr) != "err\n" || c.kind != 0 || c.code != 7 || c.holder {
		t.Fatalf("%+v", c)
	}
	if c.pid <= 0 || c.rss == 0 {
		t.Fatalf("no pid or no peak memory: %+v", c)
	}
	c = h.run(5, sh("kill -9 $$")) // the id is free again
	if c.kind != 1 || c.code != 9 {
		t.Fatalf("%+v", c)
	}
}

func TestEnvironment(t *testing.T) {
	h := one(t)
	c := h.run(1, &command{argv: []string{"env"}, env: []string{"A=b=c", "HOME=/h"}})
	got := string(c.stdout)
	for _, want := range []string{"A=b=c\n", "HOME=/h\n", "USER=root\n", "LOGNAME=root\n", "PATH=" + defaultPath + "\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestCleanChild(t *testing.T) {
	h := one(t)
	files := &command{argv: []string{"ls", "/proc/self/fd"}}
	before := string(h.run(1, files).stdout)
	h.exec(2, &command{argv: []string{"cat"}, stdin: true})
	h.until(frame.OutStarted)
	files.stdout = nil
	if after := string(h.run(1, files).stdout); after != before {
		t.Errorf("files of one command are open in another: %q, %q", before, after)
	}
	c := h.run(1, &command{argv: []string{"cat", "/proc/self/status"}})
	for line := range strings.Lines(string(c.stdout)) {
		f := strings.Fields(line)
		if len(f) == 2 && (f[0] == "SigBlk:" || f[0] == "SigCgt:") && f[1] != "0000000000000000" {
			t.Errorf("signals are not as new: %q", line)
		}
	}
}

func TestFailures(t *testing.T) {
	h := one(t)
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "x", 0o644)
	script := write("script", "#! /no/such/thing -x\n", 0o755)
	junk := write("junk", "\x00\x01\x02", 0o755)
	for _, tc := range []struct {
		c         command
		code, why string
	}{
		{command{argv: []string{"no-such-program"}}, "notFound", "not found in PATH"},
		{command{argv: []string{"/no/such"}}, "notFound", "no such file"},
		{command{argv: []string{"./x"}, cwd: dir}, "notFound", "no such file"},
		{command{argv: []string{script}}, "notFound", "its interpreter /no/such/thing is not found"},
		{command{argv: []string{"./script"}, cwd: dir}, "notFound", "its interpreter /no/such/thing"},
		{command{argv: []string{"plain"}, env: []string{"PATH=" + dir}}, "notExecutable", "not executable"},
		{command{argv: []string{plain}}, "notExecutable", "permission denied"},
		{command{argv: []string{junk}}, "notExecutable", "exec format error"},
		{command{argv: []string{dir}}, "notExecutable", "permission denied"},
		{command{argv: []string{"/bin/true"}, cwd: "/no/such"}, "badCwd", "/no/such: no such file"},
		{command{argv: []string{"/bin/true"}, cwd: plain}, "badCwd", "not a directory"},
		{command{argv: []string{"/bin/true"}, user: "no-such-user"}, "badUser", "no user"},
		{command{argv: []string{""}}, "badRequest", "no program"},
		{command{argv: []string{"/bin/true"}, env: []string{"=x"}}, "badRequest", "NAME=value"},
		{command{argv: []string{"/bin/true", strings.Repeat("x", 200<<10)}}, "spawn", "argument list too long"},
	} {
		c := h.run(3, &tc.c)
		if c.failed != tc.code || !strings.Contains(c.why, tc.why) {
			t.Errorf("%.60q: %s %q, want %s %q", c.argv, c.failed, c.why, tc.code, tc.why)
		}
	}
	if c := h.run(3, sh("exit 3")); c.code != 3 {
		t.Fatalf("after the failures: %+v", c)
	}
}

func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can change the user")
	}
	h := one(t)
	c := h.run(1, &command{argv: []string{"/bin/sh", "-c", "id -u; id -g; pwd; echo $USER"}, user: "65534:12", cwd: "/"})
	if !strings.HasPrefix(string(c.stdout), "65534\n12\n/\n") {
		t.Fatalf("%+v", c)
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	if c = h.run(1, &command{argv: []string{"/bin/true"}, user: "65534", cwd: dir}); c.failed != "badCwd" {
		t.Fatalf("%+v", c)
	}
	if c = h.run(1, sh("id -u")); string(c.stdout) != "0\n" {
		t.Fatalf("root is not root any more: %+v", c)
	}
}

func TestNoRoot(t *testing.T) {
	_, hosts := serve(t, 1, Host{RootErr: "mount /dev/vda (ext4) on /: no such device or address"})
	h := hosts[0]
	if hello := h.hello(); !bytes.Contains(hello.payload, []byte("no such device or address")) {
		t.Fatalf("HELLO: %q", hello.payload)
	}
	if c := h.run(1, sh("true")); c.failed != "noRoot" {
		t.Fatalf("%+v", c)
	}
}

func TestManyParts(t *testing.T) {
	h := one(t)
	words := []string{"/bin/sh", "-c", "echo $#", "sh"}
	for i := range 60 {
		words = append(words, strings.Repeat("x", 4000+i))
	}
	if c := h.run(1, &command{argv: words}); string(c.stdout) != "60\n" {
		t.Fatalf("%.200q %s", c.stdout, c.why)
	}
	big := &command{argv: []string{"/bin/true"}, env: []string{"A=" + strings.Repeat("x", 3<<20)}}
	if c := h.run(2, big); c.failed != "badRequest" {
		t.Fatalf("%+v", c.failed)
	}
	// The first four may be put together, the fifth is refused at its end.
	for id := uint32(10); id < 15; id++ {
		h.send(frame.Exec, moreParts, id, sh("true").payload()[:5])
	}
	for id := uint32(10); id < 15; id++ {
		want := ""
		if id == 14 {
			want = "limit"
		}
		c := sh("true")
		h.send(frame.Exec, 0, id, c.payload()[5:])
		if h.wait(id, c); c.failed != want {
			t.Fatalf("%d: %+v", id, c)
		}
	}
}

func TestConcurrent(t *testing.T) {
	_, hosts := serve(t, 2, Host{})
	all := map[*host]map[uint32]*command{}
	for _, h := range hosts {
		h.hello()
		all[h] = map[uint32]*command{}
		for i := uint32(1); i <= 64; i++ {
			all[h][i] = h.exec(i, sh(fmt.Sprintf("head -c %d /dev/zero; echo %d >&2; exit %d", i*1000, i, i)))
		}
	}
	for _, h := range hosts {
		for left := 64; left > 0; {
			r := h.recv()
			if all[h][r.stream].take(r) {
				left--
			}
		}
		for i, c := range all[h] {
			if c.code != i || len(c.stdout) != int(i)*1000 || string(c.stderr) != strconv.Itoa(int(i))+"\n" {
				t.Errorf("%d: code %d, %d bytes, %q, %s", i, c.code, len(c.stdout), c.stderr, c.why)
			}
		}
	}
}

func TestSignals(t *testing.T) {
	h := one(t)
	c := h.exec(1, sh("trap 'echo got; exit 4' USR1; echo ready; while :; do sleep 0.01; done"))
	for len(c.stdout) == 0 {
		c.take(h.recv())
	}
	h.send(frame.Signal, 0, 1, append(frame.AppendU32(nil, uint32(syscall.SIGUSR1)), 1))
	if h.wait(1, c); string(c.stdout) != "ready\ngot\n" || c.code != 4 {
		t.Fatalf("%+v", c)
	}
	c = h.exec(2, sh("sleep 1000 & echo $!; wait"))
	for len(c.stdout) == 0 {
		c.take(h.recv())
	}
	h.send(frame.Signal, 0, 2, append(frame.AppendU32(nil, uint32(syscall.SIGKILL)), 0))
	if h.wait(2, c); c.kind != 1 || c.code != 9 {
		t.Fatalf("%+v", c)
	}
	sleeper, _ := strconv.Atoi(strings.TrimSpace(string(c.stdout)))
	eventually(t, "the whole group dies and is reaped", gone(sleeper))
}
