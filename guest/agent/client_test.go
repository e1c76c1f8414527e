package agent

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"smolvm/guest/frame"
	"smolvm/guest/tool"
)

func TestMain(m *testing.M) {
	// The agent starts its own program for tools: here that is this test.
	if os.Args[0] == tool.Name {
		os.Exit(tool.Main(os.Args[1:]))
	}
	// Orphans of commands come to this process, as they come to process 1.
	const setChildSubreaper = 36
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
	os.Chdir("/") // where process 1 is
	os.Exit(m.Run())
}

// host is the other side of one port: a socket pair stands in for it.
type host struct {
	t    *testing.T
	fd   int
	tag  uint32
	buf  []byte
	acks map[uint32]int // bytes of stdin credit
	stop func()         // ends the loop
	out  int            // is written, if that is another file; -1: it is closed
}

type reply struct {
	typ     byte
	stream  uint32
	payload []byte
}

var tags = uint32(0x01020304)

// serve runs a loop with ports for the length of the test.
func serve(t *testing.T, ports int, h Host) (*Loop, []*host) {
	t.Helper()
	if h.BootID == "" {
		h.BootID = "test-boot"
	}
	loop := New(h)
	var hosts []*host
	for range ports {
		p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		syscall.SetNonblock(p[0], true)
		loop.AddPort(p[0])
		limit := syscall.Timeval{Sec: 20} // a stuck test fails, it does not hang
		syscall.SetsockoptTimeval(p[1], syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit)
		syscall.SetsockoptTimeval(p[1], syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit)
		hosts = append(hosts, &host{t: t, fd: p[1], acks: map[uint32]int{}})
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends too
		loop.Run()
	})
	stop := func() {
		loop.Stop()
		wg.Wait()
	}
	for _, h := range hosts {
		h.stop = stop
	}
	t.Cleanup(func() {
		stop()
		for _, h := range hosts {
			h.close()
		}
		for _, s := range loop.byPid {
			syscall.Kill(-s.pid, syscall.SIGKILL)
		}
	})
	return loop, hosts
}

func one(t *testing.T) *host {
	t.Helper()
	_, hosts := serve(t, 1, Host{})
	hosts[0].hello()
	return hosts[0]
}

func (h *host) close() {
	if h.fd >= 0 {
		syscall.Close(h.fd)
		h.fd = -1
	}
	if h.out > 0 {
		syscall.Close(h.out)
		h.out = -1
	}
}

func (h *host) write(b []byte) {
	h.t.Helper()
	fd := h.fd
	if h.out != 0 {
		fd = h.out
	}
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err == syscall.EINTR {
			n, err = 0, nil
		}
		if err != nil {
			h.t.Fatalf("write: %v", err)
		}
		b = b[n:]
	}
}

func (h *host) send(typ, flags byte, stream uint32, payload []byte) {
	h.t.Helper()
	h.write(frame.Append(nil, h.tag, typ, flags, stream, payload))
}

func (h *host) more() {
	h.t.Helper()
	var b [64 << 10]byte
	n, err := syscall.Read(h.fd, b[:])
	for err == syscall.EINTR {
		n, err = syscall.Read(h.fd, b[:])
	}
	if err != nil || n <= 0 {
		h.t.Fatalf("read: %d %v", n, err)
	}
	h.buf = append(h.buf, b[:n]...)
}

func helloPayload(lowest, highest uint16, nonce string) []byte {
	b := []byte("SMOLVM\x00\x01")
	b = append(b, byte(lowest), byte(lowest>>8), byte(highest), byte(highest>>8))
	return append(b, nonce...)
}

// knock sends zeros and HELLO, and reads on to the end of the nonce.
func (h *host) knock(lowest, highest uint16) {
	h.t.Helper()
	tags += 0x00010101
	h.tag = tags | 0x01010101
	nonce := fmt.Sprintf("nonce%011d", tags)
	b := make([]byte, 16<<10)
	h.write(frame.Append(b, h.tag, frame.Hello, 0, 0, helloPayload(lowest, highest, nonce)))
	for {
		if at := bytes.Index(h.buf, []byte(nonce)); at >= 0 {
			h.buf = h.buf[at+len(nonce):]
			return
		}
		h.more()
	}
}

func (h *host) hello() reply {
	h.t.Helper()
	h.knock(1, 1)
	r := h.recv()
	if r.typ != frame.OutHello {
		h.t.Fatalf("answer to HELLO: %#x %q", r.typ, r.payload)
	}
	return r
}

// recv returns the next frame and checks its form.
func (h *host) recv() reply {
	h.t.Helper()
	for {
		if len(h.buf) >= frame.HeaderSize {
			n := int(frame.U32(h.buf[8:]))
			if h.buf[0] < frame.OutHello || h.buf[0] > frame.OutListed || n > frame.MaxOut {
				h.t.Fatalf("bad header % x", h.buf[:frame.HeaderSize])
			}
			if len(h.buf) >= n+frame.Overhead {
				r := reply{h.buf[0], frame.U32(h.buf[4:]), bytes.Clone(h.buf[12 : 12+n])}
				if tag := frame.U32(h.buf[12+n:]); tag != h.tag {
					h.t.Fatalf("tag %#x, want %#x", tag, h.tag)
				}
				h.buf = h.buf[n+frame.Overhead:]
				if r.typ == frame.OutCredit {
					h.acks[r.stream] += int(frame.U32(r.payload[1:]))
				}
				return r
			}
		}
		h.more()
	}
}

// until returns the next frame of a type and forgets those before it.
func (h *host) until(typ byte) reply {
	h.t.Helper()
	for {
		if r := h.recv(); r.typ == typ {
			return r
		}
	}
}

// eventually waits for something that no frame announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("never happened: " + what)
		}
	}
}

func gone(pid int) func() bool {
	return func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }
}

// state is that of a process: R runs, S sleeps, T is stopped, Z has ended.
func state(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, after, found := strings.Cut(string(stat), ") ")
	if err != nil || !found {
		return "Z"
	}
	return after[:1]
}
