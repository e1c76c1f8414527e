package agent

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"smolvm/guest/frame"
)

// stdio runs a loop on two pipes, as between sshd and its command. ended waits
// for its end.
func stdio(t *testing.T) (h *host, out int, ended func()) {
	t.Helper()
	in, answers := [2]int{}, [2]int{}
	for _, p := range []*[2]int{&in, &answers} {
		if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	loop := New(Host{BootID: "test-boot", NoMachine: true})
	if !loop.serveFiles(in[0], answers[1]) {
		t.Fatal("pipes cannot be served")
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread()
		loop.Run()
	})
	h = &host{t: t, fd: answers[0], acks: map[uint32]int{}, out: in[1]}
	t.Cleanup(func() {
		h.close()
		wg.Wait()
	})
	h.hello()
	return h, in[1], wg.Wait
}

func TestStdio(t *testing.T) {
	h, _, _ := stdio(t)
	c := h.run(1, sh("echo out; echo err >&2; cat; exit 3"))
	if string(c.stdout) != "out\n" || string(c.stderr) != "err\n" || c.code != 3 {
		t.Fatalf("%+v", c)
	}
	c = h.run(1, sh("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"))
	if len(c.stdout) != 3_000_000 || len(c.stderr) != 3_000_000 {
		t.Fatalf("%d and %d bytes", len(c.stdout), len(c.stderr))
	}
	if c = h.run(1, job("j", "true")); c.failed != "badRequest" {
		t.Fatalf("a detached command: %+v", c)
	}
	for typ, payload := range map[byte][]byte{
		frame.Shutdown: {0, 0, 0, 0}, frame.Time: make([]byte, 8), frame.Entropy: {1},
	} {
		if got := h.refused(typ, 9, payload); got != "request" {
			t.Errorf("%#x: %q", typ, got)
		}
	}
}

// The end of what we read ends the agent and what runs, whatever is unread.
func TestStdioEnd(t *testing.T) {
	h, out, ended := stdio(t)
	idle := h.exec(1, sh("echo up; exec sleep 1000"))
	h.see(1, idle, "up")
	deaf := sh("echo up; exec sleep 1000")
	deaf.stdin = true
	h.exec(2, deaf)
	h.see(2, deaf, "up")
	h.send(frame.Stdin, 0, 2, []byte(strings.Repeat("x", 10_000)))
	talker := sh("yes")
	talker.out = 1 << 30
	h.exec(3, talker)
	syscall.Close(out)
	h.out = -1
	ended()
	for _, c := range []*command{idle, deaf} {
		var status syscall.WaitStatus // the loop that would reap it has ended
		if pid, err := syscall.Wait4(c.pid, &status, 0, nil); pid != c.pid || status.Signal() != syscall.SIGKILL {
			t.Fatalf("%d %v %v", pid, err, status)
		}
	}
}

func TestStdioUser(t *testing.T) {
	saved := own
	defer func() { own = saved }()
	if ownUser(); os.Getuid() == 0 && own != saved || os.Getuid() != 0 && own.name == "root" {
		t.Fatalf("%+v", own)
	}
}
