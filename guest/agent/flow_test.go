package agent

import (
	"bytes"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"smolvm/guest/frame"
	"smolvm/guest/request"
)

func TestOutputCredit(t *testing.T) {
	h := one(t)
	const all = 300_000
	c := &command{argv: []string{"head", "-c", strconv.Itoa(all), "/dev/zero"}, out: 1000}
	h.exec(1, c)
	for granted := 1000; ; {
		for len(c.stdout) < min(granted, all) {
			c.take(h.recv())
		}
		for _, r := range h.ping() {
			if c.take(r) && len(c.stdout) < all {
				t.Fatal("EXIT before the output")
			}
		}
		if len(c.stdout) > granted {
			t.Fatalf("%d bytes with credit for %d", len(c.stdout), granted)
		}
		if len(c.stdout) == all {
			break
		}
		granted += 100_000
		h.credit(1, request.Stdout, 100_000)
	}
}

func TestExitWaitsForCredit(t *testing.T) {
	h := one(t)
	c := &command{argv: []string{"/bin/sh", "-c", "echo hello; exit 9"}, out: 2}
	h.exec(1, c)
	eventually(t, "two bytes come", func() bool { c.take(h.recv()); return len(c.stdout) == 2 })
	eventually(t, "the command ends", gone(c.pid))
	if got := h.ping(); len(got) != 0 {
		t.Fatalf("%+v before the credit", got)
	}
	h.credit(1, request.Stdout, 100)
	if h.wait(1, c); string(c.stdout) != "hello\n" || c.code != 9 {
		t.Fatalf("%+v", c)
	}
}

func TestBackgroundHolder(t *testing.T) {
	h := one(t)
	c := h.run(1, sh("sleep 1000 & echo $!"))
	sleeper, _ := strconv.Atoi(strings.TrimSpace(string(c.stdout)))
	if !c.holder || c.code != 0 || sleeper == 0 {
		t.Fatalf("%+v", c)
	}
	if syscall.Kill(sleeper, syscall.SIGKILL) != nil {
		t.Fatal("the background process is gone")
	}
	eventually(t, "the orphan is reaped", gone(sleeper))
	// A holder that writes without end must not delay EXIT either.
	c = h.run(2, sh("yes & echo $!"))
	first, _, _ := bytes.Cut(c.stdout, []byte("\n"))
	if writer, err := strconv.Atoi(string(first)); err == nil {
		syscall.Kill(writer, syscall.SIGKILL)
	}
	if !c.holder {
		t.Fatal("holder is not told")
	}
}

func TestControlOvertakesBulk(t *testing.T) {
	h := one(t)
	for id := uint32(1); id <= 2; id++ {
		c := h.exec(id, &command{argv: []string{"cat", "/dev/zero"}, out: 1})
		c.take(h.until(frame.OutStarted))
		h.until(frame.OutStdout)
		eventually(t, "the pipe is full", func() bool { return state(c.pid) == "S" })
	}
	plenty := frame.AppendU32([]byte{request.Stdout}, 1<<30)
	both := frame.Append(nil, h.tag, frame.Credit, 0, 1, plenty)
	h.write(frame.Append(both, h.tag, frame.Credit, 0, 2, plenty))
	last := uint32(2)
	for range 3 { // what the pipes hold
		r := h.until(frame.OutStdout)
		if r.stream == last || len(r.payload) < 20_000 {
			t.Errorf("streams do not take turns: %d bytes of %d", len(r.payload), r.stream)
		}
		last = r.stream
	}
	bulk := 0
	for _, r := range h.ping() {
		bulk += len(r.payload)
	}
	if bulk > 1<<20 { // what fits into the socket, and one frame
		t.Errorf("%d bytes of output before a PONG", bulk)
	}
}

func TestStdinEcho(t *testing.T) {
	h := one(t)
	text := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	c := h.exec(1, &command{argv: []string{"cat"}, stdin: true})
	window, sent := stdinWindow, 0
	for len(c.stdout) < len(text) {
		for sent < len(text) && window+h.acks[1] > 0 {
			n := min(frame.MaxIn, len(text)-sent, window+h.acks[1])
			h.send(frame.Stdin, 0, 1, text[sent:sent+n])
			sent += n
			window -= n
		}
		r := h.recv()
		if c.take(r) {
			t.Fatalf("ended early: %+v", c)
		}
		if r.typ == frame.OutStdout {
			h.credit(1, request.Stdout, len(r.payload))
		}
	}
	h.send(frame.Stdin, 1, 1, nil)
	if h.wait(1, c); !bytes.Equal(c.stdout, text) || c.code != 0 {
		t.Fatalf("%d bytes, code %d", len(c.stdout), c.code)
	}
}

func TestStdinWindow(t *testing.T) {
	h := one(t)
	c := h.exec(1, &command{argv: []string{"sleep", "1000"}, stdin: true})
	c.take(h.until(frame.OutStarted))
	chunk := make([]byte, 16000)
	for window := stdinWindow; window+h.acks[1] > 0; {
		n := min(len(chunk), window+h.acks[1])
		h.send(frame.Stdin, 0, 1, chunk[:n])
		window -= n
		h.ping()
	}
	h.send(frame.Stdin, 0, 1, chunk[:1])
	if r := h.until(frame.OutError); !strings.Contains(string(r.payload), "window") {
		t.Fatalf("%q", r.payload)
	}
	eventually(t, "the command is killed", gone(c.pid))
}

func TestStdinClosedByCommand(t *testing.T) {
	h := one(t)
	c := h.exec(1, &command{argv: []string{"/bin/sh", "-c", "exec <&-; echo closed; read x </dev/tty; sleep 1000"}, stdin: true})
	for len(c.stdout) == 0 {
		c.take(h.recv())
	}
	for range 20 { // far more than the window: what nobody reads is acknowledged
		h.send(frame.Stdin, 0, 1, make([]byte, 16000))
		for _, r := range h.ping() {
			if r.typ == frame.OutError {
				t.Fatalf("%q", r.payload)
			}
		}
	}
}

func TestEmptyStdin(t *testing.T) {
	h := one(t)
	if c := h.run(1, &command{argv: []string{"cat"}}); c.code != 0 || len(c.stdout) != 0 {
		t.Fatalf("%+v", c)
	}
	c := h.exec(2, &command{argv: []string{"cat"}, stdin: true})
	h.send(frame.Stdin, 1, 2, []byte("end"))
	if h.wait(2, c); string(c.stdout) != "end" {
		t.Fatalf("%+v", c)
	}
}

func TestEndOfOutput(t *testing.T) {
	h := one(t)
	c := sh("echo bye; exec >&2; read -r x; echo heard $x")
	c.stdin = true
	h.exec(1, c)
	ended := false
	for !ended {
		r := h.recv()
		c.take(r)
		ended = r.typ == frame.OutStdout && len(r.payload) == 0
	}
	if string(c.stdout) != "bye\n" {
		t.Fatalf("%q before the end", c.stdout)
	}
	h.send(frame.Stdin, 1, 1, []byte("you\n"))
	h.wait(1, c)
	if c.code != 0 || string(c.stderr) != "heard you\n" {
		t.Fatalf("%d %q", c.code, c.stderr)
	}
}
