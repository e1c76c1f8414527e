package tool

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRead(t *testing.T) {
	dir := scratch(t)
	text := strings.Repeat("0123456789", 30_000)
	path := put(t, filepath.Join(dir, "f"), text, 0o644)
	for _, tc := range []struct{ offset, length, want string }{
		{"0", "-1", text},
		{"0", "300000", text},
		{"7", "70001", text[7:70008]},
		{"299990", "100", text[299990:]},
		{"300000", "1", ""},
		{"900000000000", "-1", ""},
		{"5", "0", ""},
	} {
		if got := string(run(t, "read", path, tc.offset, tc.length).ok().stdout); got != tc.want {
			t.Errorf("%s %s: %d bytes", tc.offset, tc.length, len(got))
		}
	}
	if got := string(run(t, "read", "/proc/self/comm", "0", "-1").ok().stdout); got == "" {
		t.Error("nothing in /proc/self/comm")
	}
	if got := string(run(t, "read", "/proc/meminfo", "3", "5").ok().stdout); got != "Total" {
		t.Errorf("%q", got)
	}
	fifo := filepath.Join(dir, "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	run(t, "read", dir, "0", "-1").fails(syscall.EISDIR, "read", dir)
	run(t, "read", fifo, "0", "-1").fails(syscall.EINVAL, "read", fifo)
	run(t, "read", "/dev/zero", "0", "1").fails(syscall.EINVAL, "read", "/dev/zero")
	run(t, "read", path+"x", "0", "-1").fails(syscall.ENOENT, "open", path+"x")
	if os.Getuid() == 0 {
		secret := put(t, filepath.Join(dir, "secret"), "x", 0o600)
		(&call{t: t, args: []string{"read", secret, "0", "-1"}, nobody: true}).run().fails(syscall.EACCES, "open", secret)
	}
}
