package agent

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

func TestTool(t *testing.T) {
	h := one(t)
	c := h.run(1, &command{argv: []string{"stat", "/"}, tool: true})
	if c.code != 0 || len(c.stdout) < 1 || c.stdout[0] != 'd' || !strings.HasSuffix(string(c.stdout), "\x01\x00\x00\x00/\x00\x00\x00\x00") {
		t.Fatalf("%+v", c)
	}
	c = h.run(1, &command{argv: []string{"stat", "no-such"}, cwd: "/tmp", tool: true})
	if c.code != 1 || string(c.stderr) != "2 stat no-such" {
		t.Fatalf("%+v", c)
	}
	if c = h.run(1, &command{argv: []string{"no-such-tool"}, tool: true}); c.code != 2 || c.failed != "" {
		t.Fatalf("%+v", c)
	}
	if c = h.run(1, &command{argv: []string{"stat", "/"}, cwd: "/no/such", tool: true}); c.failed != "badCwd" {
		t.Fatalf("%+v", c)
	}
	if c = h.run(1, &command{argv: []string{"stat", "/"}}); !strings.Contains(string(c.stdout), "Inode") {
		t.Fatalf("without the option it is not the program stat: %+v", c)
	}
	// The file of our own program is kept open, but not for commands.
	c = h.run(1, sh("for fd in /proc/self/fd/*; do readlink $fd; done"))
	if self, _ := os.Executable(); strings.Contains(string(c.stdout), self) {
		t.Fatalf("open in a command: %q", c.stdout)
	}
}

func TestToolUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can change the user")
	}
	h := one(t)
	c := h.run(1, &command{argv: []string{"stat", "/proc/self"}, user: "65534:12", tool: true})
	if c.code != 0 || binary.LittleEndian.Uint32(c.stdout[5:]) != 65534 || binary.LittleEndian.Uint32(c.stdout[9:]) != 12 {
		t.Fatalf("%+v", c)
	}
}
