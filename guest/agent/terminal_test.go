package agent

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"smolvm/guest/frame"
)

// tty is a command on a terminal of 24 rows and 80 columns.
func tty(script string) *command {
	return &command{argv: []string{"/bin/sh", "-c", script}, pty: true, stdin: true, size: [2]uint16{24, 80}}
}

// see reads until the command's output has text in it.
func (h *host) see(id uint32, c *command, text string) {
	h.t.Helper()
	for !strings.Contains(string(c.stdout), text) {
		if r := h.recv(); r.stream == id && c.take(r) {
			h.t.Fatalf("the end before %q: %q, %s", text, c.stdout, c.why)
		}
	}
}

func TestTerminal(t *testing.T) {
	h := one(t)
	c := h.run(1, tty("for i in 0 1 2; do test -t $i || echo no $i; done; tty; stty size; echo $TERM; echo err >&2; exit 7"))
	lines := strings.Split(string(c.stdout), "\r\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "/dev/pts/") || lines[1] != "24 80" ||
		lines[2] != defaultTerm || lines[3] != "err" || len(c.stderr) != 0 || c.code != 7 || c.holder {
		t.Fatalf("%q %q %+v", c.stdout, c.stderr, c)
	}
	c = tty("echo $TERM; echo x > /dev/tty; ps -o pid=,tpgid=,sid= -p $$")
	c.env = []string{"TERM=vt100"}
	h.run(1, c)
	pid := strconv.Itoa(c.pid)
	if got := strings.Join(strings.Fields(string(c.stdout)), " "); got != "vt100 x "+pid+" "+pid+" "+pid {
		t.Fatalf("%q of %s", got, pid)
	}
	if c = h.run(1, sh("echo x > /dev/tty")); c.code == 0 {
		t.Fatal("a command without a terminal has one")
	}
}

func TestTerminalKeys(t *testing.T) {
	h := one(t)
	c := h.exec(1, &command{argv: []string{"cat"}, pty: true, stdin: true})
	h.send(frame.Stdin, 0, 1, []byte("hi\n"))
	h.see(1, c, "hi\r\nhi\r\n") // the echo and the answer
	h.send(frame.Stdin, 1, 1, []byte("part"))
	h.see(1, c, "partpart") // in a line the end only hands over what is there
	h.send(frame.Stdin, 1, 1, nil)
	if h.wait(1, c); c.kind != 0 || c.code != 0 {
		t.Fatalf("%+v", c)
	}
	c = tty("stty eof x; echo ready; cat; cat") // the end closes nothing
	h.exec(1, c)
	h.see(1, c, "ready\r\n")
	h.send(frame.Stdin, 1, 1, []byte("one\n"))
	h.see(1, c, "one\r\none\r\n")
	h.send(frame.Stdin, 1, 1, []byte("two\n"))
	if h.wait(1, c); !strings.HasSuffix(string(c.stdout), "two\r\ntwo\r\n") || c.code != 0 {
		t.Fatalf("%q %+v", c.stdout, c)
	}
	c = &command{argv: []string{"sleep", "1000"}, pty: true, stdin: true}
	h.exec(1, c)
	h.until(frame.OutStarted)
	h.send(frame.Stdin, 0, 1, []byte{3})
	if h.wait(1, c); c.kind != 1 || c.code != uint32(syscall.SIGINT) {
		t.Fatalf("%+v", c)
	}
}

func TestTerminalWithoutInput(t *testing.T) {
	h := one(t)
	c := &command{argv: []string{"/bin/sh", "-c", "echo ready; sleep 0.05; stty size"}, pty: true}
	h.exec(1, c)
	h.see(1, c, "ready\r\n")
	h.send(frame.Stdin, 1, 1, []byte("text\n"))
	if h.wait(1, c); string(c.stdout) != "ready\r\n0 0\r\n" {
		t.Fatalf("%q", c.stdout)
	}
}

func TestResize(t *testing.T) {
	h := one(t)
	c := tty("trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.01; done")
	h.exec(1, c)
	h.see(1, c, "ready\r\n")
	h.send(frame.Resize, 0, 1, sizePayload(50, 300))
	if h.wait(1, c); string(c.stdout) != "ready\r\n50 300\r\n" || c.code != 5 {
		t.Fatalf("%q %+v", c.stdout, c)
	}
	h.exec(1, &command{argv: []string{"sleep", "1000"}})
	h.until(frame.OutStarted)
	h.send(frame.Resize, 0, 1, sizePayload(1, 2)) // not a terminal
	h.send(frame.Resize, 0, 9, sizePayload(1, 2)) // not open
	if got := h.ping(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
}

// All output of a terminal comes before EXIT, with any credit.
func TestTerminalOutput(t *testing.T) {
	h := one(t)
	want := ""
	for i := 1; i <= 3000; i++ {
		want += strconv.Itoa(i) + "\r\n"
	}
	for _, out := range []int{1, len(want) - 1, len(want), len(want) + 1} {
		c := &command{argv: []string{"seq", "3000"}, pty: true, out: uint32(out)}
		if h.run(1, c); string(c.stdout) != want || c.code != 0 {
			t.Fatalf("credit %d: %d of %d bytes, %+v", out, len(c.stdout), len(want), c.code)
		}
	}
	// Exactly the credit: nobody gives more, and EXIT comes nevertheless.
	c := h.exec(1, &command{argv: []string{"seq", "3000"}, pty: true, out: uint32(len(want))})
	for !c.take(h.recv()) {
	}
	if string(c.stdout) != want {
		t.Fatalf("%d of %d bytes", len(c.stdout), len(want))
	}
}

func TestTerminalHolder(t *testing.T) {
	h := one(t)
	c := h.run(1, tty("trap '' HUP; sleep 1000 & echo $!"))
	sleeper, _ := strconv.Atoi(strings.TrimSpace(string(c.stdout)))
	if !c.holder || c.code != 0 || syscall.Kill(sleeper, syscall.SIGKILL) != nil {
		t.Fatalf("%+v", c)
	}
	// One that writes without end; the hang-up ends it.
	c = h.run(1, tty("trap '' HUP; yes & echo $!; sleep 0.05"))
	first, _, _ := bytes.Cut(c.stdout[bytes.IndexAny(c.stdout, "0123456789"):], []byte("\r\n"))
	writer, err := strconv.Atoi(string(first))
	if err != nil || !c.holder || c.code != 0 {
		t.Fatalf("%q %+v", first, c.code)
	}
	eventually(t, "the writer is hung up", gone(writer))
	// Without HUP ignored the kernel ends the foreground with its leader.
	c = h.run(1, tty("sleep 1000 & echo $!"))
	sleeper, _ = strconv.Atoi(strings.TrimSpace(string(c.stdout)))
	eventually(t, "the foreground ends", gone(sleeper))
}

// Output and input go on when the command opens its terminal again.
func TestTerminalReopened(t *testing.T) {
	h := one(t)
	c := tty("t=$(tty); exec <&- >&- 2>&-; sleep 0.05; exec >$t <$t; echo again; while read x; do test $x = y && exit; done")
	h.exec(1, c)
	for !strings.Contains(string(c.stdout), "again") {
		h.send(frame.Stdin, 0, 1, []byte("x\n"))
		for _, r := range h.ping() {
			c.take(r)
		}
		time.Sleep(time.Millisecond)
	}
	h.send(frame.Stdin, 0, 1, []byte("y\n"))
	if h.wait(1, c); !strings.HasSuffix(string(c.stdout), "y\r\n") || c.code != 0 {
		t.Fatalf("%q %+v", c.stdout, c.code)
	}
}

// The end of a session kills the command's group and hangs up the others.
func TestTerminalSessionEnd(t *testing.T) {
	h := one(t)
	c := h.exec(1, tty("set -m; (trap '' HUP; exec yes) & echo job $!; wait"))
	h.see(1, c, "job ")
	h.see(1, c, "y\r\n")
	_, rest, _ := strings.Cut(string(c.stdout), "job ")
	number, _, _ := strings.Cut(rest, "\r\n")
	job, err := strconv.Atoi(number)
	if err != nil || syscall.Kill(job, 0) != nil {
		t.Fatalf("%.100q", c.stdout)
	}
	h.hello()
	eventually(t, "the command is killed", gone(c.pid))
	eventually(t, "the job is hung up", gone(job))
}

// Much input arrives whole, though a terminal takes little at a time.
func TestTerminalInput(t *testing.T) {
	h := one(t)
	text := bytes.Repeat([]byte("0123456789abcdef"), 32<<10) // 512 KiB
	c := tty("stty raw -echo; echo ready; head -c " + strconv.Itoa(len(text)) + " | cksum")
	h.exec(1, c)
	h.see(1, c, "ready")
	for window, sent := stdinWindow, 0; sent < len(text); {
		for sent < len(text) && window+h.acks[1] > 0 {
			n := min(frame.MaxIn, len(text)-sent, window+h.acks[1])
			h.send(frame.Stdin, 0, 1, text[sent:sent+n])
			sent += n
			window -= n
		}
		if sent < len(text) && c.take(h.recv()) {
			t.Fatalf("ended early: %+v", c)
		}
	}
	h.wait(1, c)
	want := h.run(2, sh("yes 0123456789abcdef | tr -d '\\n' | head -c "+strconv.Itoa(len(text))+" | cksum"))
	if _, got, _ := strings.Cut(string(c.stdout), "ready\n"); got != string(want.stdout) {
		t.Fatalf("%q, want %q", c.stdout, want.stdout)
	}
}

// Ends of input that nobody reads pile up neither in memory nor in the window.
func TestTerminalEndFlood(t *testing.T) {
	loop, hosts := serve(t, 1, Host{})
	h := hosts[0]
	h.hello()
	c := tty("stty raw -echo; echo ready; sleep 1000")
	h.exec(1, c)
	h.see(1, c, "ready")
	left := stdinWindow
	for left > 0 {
		n := min(8192, left)
		h.send(frame.Stdin, 1, 1, make([]byte, n))
		left -= n
		h.ping()
	}
	left = h.acks[1]
	for range 50_000 {
		h.send(frame.Stdin, 1, 1, nil)
	}
	h.ping()
	if left < 0 || h.acks[1] > left+1 {
		t.Fatalf("%d acknowledged, then %d", left, h.acks[1])
	}
	h.stop()
	if loop.heldStdin > stdinWindow+16 {
		t.Fatalf("%d bytes are held", loop.heldStdin)
	}
}

func TestTerminalEndWindow(t *testing.T) {
	h := one(t)
	c := tty("stty raw -echo; echo ready; exec cat >/dev/null")
	h.exec(1, c)
	h.see(1, c, "ready")
	for range 40 {
		h.send(frame.Stdin, 1, 1, make([]byte, 1000))
	}
	for range 200 {
		for range 100 {
			h.send(frame.Stdin, 1, 1, nil)
		}
		h.ping()
	}
	eventually(t, "the data is acknowledged", func() bool {
		h.ping()
		return h.acks[1] > 40_000-ackStep
	})
	time.Sleep(20 * time.Millisecond)
	if h.ping(); h.acks[1] > 40_000 {
		t.Fatalf("%d bytes are acknowledged", h.acks[1])
	}
}

func TestTerminalOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can change the user")
	}
	h := one(t)
	c := tty("stat -c %u $(tty)")
	c.user = "65534"
	if h.run(1, c); string(c.stdout) != "65534\r\n" {
		t.Fatalf("%q", c.stdout)
	}
}
