package tool

import (
	"strings"
	"testing"
	"time"
)

func TestListening(t *testing.T) {
	a, b := listen(t, "127.0.0.1:0"), listen(t, "[::1]:0")
	run(t, "listening", portOf(a)).ok()
	run(t, "listening", portOf(a), portOf(b), portOf(a)).ok()
	late := portOf(b)
	b.Close()
	cmd, _ := begin(t, "listening", portOf(a), late)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		t.Fatal("nobody listens on one of the ports", err)
	case <-time.After(300 * time.Millisecond):
	}
	listen(t, "0.0.0.0:"+late)
	select {
	case err := <-done:
		must(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting")
	}
	if cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); cpu > 200*time.Millisecond {
		t.Errorf("%v of CPU time", cpu)
	}
}

func TestListeners(t *testing.T) {
	table := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:0016 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
  10: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000
junk
 : : : :
`
	for cut := range table {
		var s portSet
		s.addLines(append(append([]byte(nil), s.addLines([]byte(table[:cut]))...), table[cut:]...))
		for port := range 65536 {
			if s.has(port) != (port == 0x1f90 || port == 22) {
				t.Fatalf("cut at %d: port %d", cut, port)
			}
		}
	}
	for _, line := range []string{"", " ", "a b", "a b c", strings.Repeat(" ", 100), "0: 0:12345 0:0 0A", "0: 01 0:0 0A"} {
		if port, ok := listener(line); ok {
			t.Errorf("%q: %d", line, port)
		}
	}
}

// TestRootDevice is all that can be tested of grow without a disk to spare.
func TestRootDevice(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"1 1 0:2 / / rw - rootfs none rw": "0:2",
		"21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n22 21 0:5 / /dev rw - devtmpfs none rw\n":  "254:0",
		"1 1 0:2 / / rw - rootfs none rw\n21 1 254:16 / / rw shared:1 master:2 - ext4 /dev/vdb rw": "254:16",
		"22 21 0:5 / /dev rw - devtmpfs none rw":                                                   "",
		"1 1 0:2 /":                                                                                "",
		"21 1 254:0 /sub / rw - ext4 /d rw":                                                        "254:0",
	} {
		if got := rootDevice(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
