package tool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// agent is the real program: the tests start it as the agent does.
var agent string

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "smolvm-tool-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // ordinary users run it too
	agent = filepath.Join(dir, "agent")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -E smolvm/guest/sys.entry", "-o", agent, "smolvm/guest")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	return m.Run()
}

// nobody is an ordinary user.
const nobody = 65534

// call is one run of a tool.
type call struct {
	t      *testing.T
	args   []string
	stdin  []byte
	nobody bool // as an ordinary user, if we can choose
	dir    string

	stdout, stderr []byte
	code           int
}

func (c *call) command() *exec.Cmd {
	cmd := &exec.Cmd{Path: agent, Args: append([]string{Name}, c.args...), Dir: c.dir, Env: []string{}}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if c.nobody && os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return cmd
}

func (c *call) run() *call {
	c.t.Helper()
	cmd := c.command()
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(c.stdin), &out, &err
	cmd.WaitDelay = time.Second
	timer := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	e := cmd.Run()
	var exit *exec.ExitError
	// A tool may end before it has read all its input.
	if e != nil && !errors.As(e, &exit) && !errors.Is(e, syscall.EPIPE) {
		c.t.Fatalf("%q: %v", c.args, e)
	}
	c.stdout, c.stderr, c.code = out.Bytes(), err.Bytes(), cmd.ProcessState.ExitCode()
	return c
}

func run(t *testing.T, args ...string) *call {
	t.Helper()
	return (&call{t: t, args: args}).run()
}

func runIn(t *testing.T, stdin string, args ...string) *call {
	t.Helper()
	return (&call{t: t, args: args, stdin: []byte(stdin)}).run()
}

// ok checks that the tool has done its work.
func (c *call) ok() *call {
	c.t.Helper()
	if c.code != 0 || len(c.stderr) != 0 {
		c.t.Fatalf("%.200q: exit code %d, %q", c.args, c.code, c.stderr)
	}
	return c
}

// fails checks the one message of a failure.
func (c *call) fails(errno syscall.Errno, op, path string) {
	c.t.Helper()
	want := strconv.Itoa(int(errno)) + " " + op + " " + path
	if c.code != 1 || string(c.stderr) != want {
		c.t.Fatalf("%.200q: exit code %d, %q, want %q", c.args, c.code, c.stderr, want)
	}
}

// scratch makes an empty folder that anybody may write to.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "smolvm-tool-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if d != nil && d.IsDir() {
				os.Chmod(path, 0o700)
			}
			return nil
		})
		os.RemoveAll(dir)
	})
	must(t, os.Chmod(dir, 0o777))
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
	must(t, os.Chmod(path, mode))
	return path
}

func get(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// holds checks the names in a folder: nothing hidden may be left over.
func holds(t *testing.T, dir string, names ...string) {
	t.Helper()
	var got []string
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, "|") != strings.Join(names, "|") {
		t.Fatalf("%s holds %q, want %q", dir, got, names)
	}
}

func modeOf(t *testing.T, path string) uint32 {
	t.Helper()
	var st syscall.Stat_t
	must(t, syscall.Lstat(path, &st))
	return st.Mode & maxMode
}

// begin starts a tool whose input stays open.
func begin(t *testing.T, args ...string) (cmd *exec.Cmd, in io.WriteCloser) {
	t.Helper()
	cmd = (&call{t: t, args: args}).command()
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, in
}

// TestAllCPUs: a program begins on one CPU, a tool goes on with all.
func TestAllCPUs(t *testing.T) {
	allowed := func(status string) string {
		_, rest, _ := strings.Cut(status, "\nCpus_allowed:\t")
		mask, _, _ := strings.Cut(rest, "\n")
		return mask
	}
	want, got := allowed(get(t, "/proc/self/status")), allowed(string(run(t, "read", "/proc/self/status", "0", "-1").ok().stdout))
	if got < want || got == "" {
		t.Fatalf("%s, want %s", got, want)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"no-such"}, {"stat"}, {"stat", "a", "b"}, {"list"}, {"read", "a", "0"}, {"read", "a", "-1", "0"}, {"read", "a", "0", "-2"},
		{"read", "a", "", "0"}, {"write", "a", "-", "-"}, {"write", "a", "8", "-", "0"}, {"write", "a", "-", "z", "0"}, {"write", "a", "-", "-", "x"},
		{"write", "a", "20000", "-", "0"}, {"write", "a", "", "-", "0"}, {"mkdir", "a", "755", "r"}, {"remove", "a", "p"}, {"rename", "a", "b", "f"},
		{"chmod", "a", "-"}, {"pack"}, {"unpack", "a"}, {"unpack", "a", "x"}, {"dial", "no.such.name", "1"}, {"dial", "::1", "65536"},
		{"dial", "::1", "0"}, {"listening"}, {"listening", "x"}, {"grow", "x"}, {"read", "a", "9999999999999999999", "1"},
	} {
		if c := run(t, args...); c.code != 2 || !strings.HasPrefix(string(c.stderr), "usage:\n") || len(c.stdout) != 0 {
			t.Errorf("%q: exit code %d, %q", args, c.code, c.stderr)
		}
	}
	cmd := exec.Command(agent, "a", "b", "c", "d")
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 || !strings.HasPrefix(string(out), "usage: ") {
		t.Errorf("not as a tool: %v %q", cmd.ProcessState, out)
	}
}
