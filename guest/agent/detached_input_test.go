package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"smolvm/guest/frame"
)

// stopped starts a command that takes no input until it is continued, and then
// puts all of it into a file.
func (h *host) stopped(name string) (c *command, file string) {
	h.t.Helper()
	file = filepath.Join(h.t.TempDir(), "input")
	c = h.exec(1, job(name, "printf ready; kill -STOP $$; cat > "+file))
	h.see(1, c, "ready")
	eventually(h.t, "the command stops", func() bool { return state(c.pid) == "T" })
	h.bye()
	return c, file
}

// feed sends input and makes sure that it was in order.
func (h *host) feed(id uint32, data []byte) {
	h.t.Helper()
	for len(data) > 0 {
		n := min(len(data), frame.MaxIn)
		h.send(frame.Stdin, 0, id, data[:n])
		data = data[n:]
	}
	for _, r := range h.ping() {
		if r.typ == frame.OutError {
			h.t.Fatalf("%q", r.payload)
		}
	}
}

var window = bytes.Repeat([]byte("0123456789abcdef"), stdinWindow/16)

// Input that the command has not taken survives too; it is acknowledged to
// nobody else.
func TestDetachedInput(t *testing.T) {
	h := one(t)
	c, file := h.stopped("j")
	want := append(bytes.Clone(window), window[:stdinWindow/2]...)
	h.attach(2, "j", 0)
	h.feed(2, window)
	h.bye()
	h.attach(2, "j", 0)
	h.feed(2, window[:stdinWindow/2])
	h.bye()
	h.attach(3, "j", 0)
	syscall.Kill(c.pid, syscall.SIGCONT)
	eventually(t, "all input is taken", func() bool {
		st, err := os.Stat(file)
		return err == nil && st.Size() == int64(len(want))
	})
	h.ping()
	if h.acks[3] != 0 {
		t.Fatalf("%d bytes of others are acknowledged", h.acks[3])
	}
	h.feed(3, window)
	h.send(frame.Stdin, 1, 3, nil)
	if h.wait(3, c); c.code != 0 {
		t.Fatalf("%+v", c)
	}
	want = append(want, window...)
	if got, err := os.ReadFile(file); !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d, %v", len(got), len(want), err)
	}
}

func TestDetachedInputLimit(t *testing.T) {
	h := one(t)
	h.stopped("j")
	windows := 0
	for h.refused(frame.Attach, 2, attachPayload("j", 0, 0, 0)) != "limit" {
		if windows++; windows > 3 {
			t.Fatal("input piles up")
		}
		h.feed(2, window)
		h.bye()
	}
	if windows < 2 {
		t.Fatal("refused after one window")
	}
}
