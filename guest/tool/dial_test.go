package tool

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// line is a dial and the other side of its connection.
type line struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  io.ReadCloser
	err  *bytes.Buffer
	conn *net.TCPConn
}

func listen(t *testing.T, address string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

func dialed(t *testing.T, address, host string) *line {
	t.Helper()
	l := listen(t, address)
	c := &call{t: t, args: []string{"dial", host, portOf(l)}}
	d := &line{cmd: c.command(), err: &bytes.Buffer{}}
	d.cmd.Stderr = d.err
	d.in, _ = d.cmd.StdinPipe()
	d.out, _ = d.cmd.StdoutPipe()
	must(t, d.cmd.Start())
	t.Cleanup(func() {
		d.cmd.Process.Kill()
		d.cmd.Wait()
	})
	l.SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := l.Accept()
	must(t, err)
	d.conn = conn.(*net.TCPConn)
	d.conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	if first := d.read(t, 1); first[0] != connected {
		t.Fatalf("%q", first)
	}
	return d
}

func (d *line) read(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := io.ReadFull(d.out, b)
	must(t, err)
	return b
}

func (d *line) exit(t *testing.T, code int, message string) {
	t.Helper()
	rest, err := io.ReadAll(d.out)
	must(t, err)
	d.cmd.Wait()
	if got := d.cmd.ProcessState.ExitCode(); got != code || d.err.String() != message || len(rest) != 0 {
		t.Fatalf("exit code %d, %q, %d bytes", got, d.err, len(rest))
	}
}

func TestDial(t *testing.T) {
	for address, host := range map[string]string{"127.0.0.1:0": "127.0.0.1", "[::1]:0": "localhost", "0.0.0.0:0": "localhost", "[::]:0": "::1"} {
		t.Run(host, func(t *testing.T) {
			d := dialed(t, address, host)
			d.in.Write([]byte("up"))
			b := make([]byte, 2)
			_, err := io.ReadFull(d.conn, b)
			must(t, err)
			d.conn.Write([]byte("down"))
			if down := d.read(t, 4); string(b) != "up" || string(down) != "down" {
				t.Fatalf("%q %q", b, down)
			}
			d.conn.Close()
			d.in.Close()
			d.exit(t, 0, "")
		})
	}
}

// TestDialHalfClosed: each end is passed on, and the other way goes on.
func TestDialHalfClosed(t *testing.T) {
	d := dialed(t, "127.0.0.1:0", "127.0.0.1")
	d.in.Close()
	if n, err := d.conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatal(n, err)
	}
	d.conn.Write([]byte("late"))
	if got := d.read(t, 4); string(got) != "late" {
		t.Fatalf("%q", got)
	}
	d.conn.CloseWrite()
	d.exit(t, 0, "")

	d = dialed(t, "127.0.0.1:0", "127.0.0.1")
	d.conn.CloseWrite()
	if n, err := d.out.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatal(n, err)
	}
	d.in.Write([]byte("late"))
	b := make([]byte, 4)
	_, err := io.ReadFull(d.conn, b)
	must(t, err)
	d.in.Close()
	if n, err := d.conn.Read(b); n != 0 || err != io.EOF {
		t.Fatal(n, err)
	}
	d.exit(t, 0, "")
}

// TestDialBulk sends both ways at once, more than all buffers hold.
func TestDialBulk(t *testing.T) {
	d := dialed(t, "127.0.0.1:0", "127.0.0.1")
	const size = 20 << 20
	send := func(w io.Writer) {
		b := make([]byte, 100_003)
		for sent := 0; sent < size; sent += len(b) {
			for i := range b {
				b[i] = byte((sent + i) * 7 >> 3)
			}
			w.Write(b[:min(len(b), size-sent)])
		}
	}
	receive := func(r io.Reader) error {
		b := make([]byte, 64<<10)
		for at := 0; at < size; {
			n, err := r.Read(b[:min(len(b), size-at)])
			for i := range n {
				if b[i] != byte((at+i)*7>>3) {
					return errors.New("wrong byte at " + strconv.Itoa(at+i))
				}
			}
			if at += n; err != nil {
				return err
			}
		}
		return nil
	}
	go send(d.conn)
	go send(d.in)
	// One way stands still, the other one does not care.
	must(t, receive(d.conn))
	must(t, receive(d.out))
	d.conn.CloseWrite()
	d.in.Close()
	d.exit(t, 0, "")
	if cpu := d.cmd.ProcessState.UserTime() + d.cmd.ProcessState.SystemTime(); cpu > 5*time.Second {
		t.Errorf("%v of CPU time", cpu)
	}
}

// TestDialIdle: waiting costs nothing, whatever is closed or full.
func TestDialIdle(t *testing.T) {
	for name, prepare := range map[string]func(d *line){
		"open":      func(d *line) {},
		"in ended":  func(d *line) { d.in.Close() },
		"out ended": func(d *line) { d.conn.CloseWrite() },
		"out full": func(d *line) {
			d.in.Close()
			d.conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			d.conn.Write(make([]byte, 30<<20))
			d.conn.Close()
		},
		"in full": func(d *line) {
			go d.in.Write(make([]byte, 30<<20))
			d.conn.CloseWrite()
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := dialed(t, "127.0.0.1:0", "127.0.0.1")
			prepare(d)
			time.Sleep(600 * time.Millisecond)
			if err := syscall.Kill(d.cmd.Process.Pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			d.cmd.Wait()
			if d.cmd.ProcessState.ExitCode() >= 0 {
				t.Fatalf("it has ended: %v %s", d.cmd.ProcessState, d.err)
			}
			if cpu := d.cmd.ProcessState.UserTime() + d.cmd.ProcessState.SystemTime(); cpu > 200*time.Millisecond {
				t.Errorf("%v of CPU time", cpu)
			}
		})
	}
}

func TestDialBroken(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	port := portOf(l)
	l.Close()
	run(t, "dial", "127.0.0.1", port).fails(syscall.ECONNREFUSED, "connect", "127.0.0.1")
	run(t, "dial", "localhost", port).fails(syscall.ECONNREFUSED, "connect", "localhost")

	d := dialed(t, "127.0.0.1:0", "127.0.0.1")
	d.conn.SetLinger(0)
	d.conn.Close()
	d.exit(t, 1, "104 read 127.0.0.1")

	d = dialed(t, "127.0.0.1:0", "127.0.0.1")
	d.out.Close() // nobody reads any more
	d.cmd.Wait()
	if d.cmd.ProcessState.ExitCode() != 1 || d.err.String() != "32 write stdout" {
		t.Fatalf("%v %s", d.cmd.ProcessState, d.err)
	}

	// The other side has ended and then is gone: that shows with the next bytes.
	d = dialed(t, "127.0.0.1:0", "127.0.0.1")
	d.conn.Close()
	io.ReadAll(d.out)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := d.in.Write([]byte("x")); err != nil {
			break
		}
	}
	d.cmd.Wait()
	if d.cmd.ProcessState.ExitCode() != 1 || d.err.String() != "32 write 127.0.0.1" && d.err.String() != "104 write 127.0.0.1" {
		t.Fatalf("%v %s", d.cmd.ProcessState, d.err)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "::", "::1", "1::", "fe80::1:2", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1::2::3", "1:2", "01.2.3.4", "1.2.3", "1.2.3.4.5", ":1", "1:", ":::", "1:2:3:4:5:6:7::8", "1::2:3:4:5:6:7:8", "g::", "::12345", "::1%lo", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		four, is4 := parseIPv4(s)
		six, is6 := parseIPv6(s)
		if want.Zone() != "" || err != nil {
			if is4 || is6 {
				t.Fatalf("%q: taken", s)
			}
			return
		}
		if want.Is4() != is4 || want.Is6() != is6 || is4 && want.As4() != four || is6 && want.As16() != six {
			t.Fatalf("%q: %v %v %v %v", s, is4, four, is6, six)
		}
	})
}
