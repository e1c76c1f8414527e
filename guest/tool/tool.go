// Package tool is what the agent's program does when the agent starts it as a
// helper process: work on files, connections and the root disk
// (docs/agent-tools.md). Each tool is one process with plain blocking calls.
package tool

import "syscall"

// Name is argv[0] of a helper process. The tool's name and its arguments follow.
const Name = "smolvm-tool"

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

type tool struct {
	name, usage string
	run         func(args []string) *failure
}

var tools = [...]tool{
	{"stat", " PATH", stat},
	{"lstat", " PATH", lstat},
	{"list", " PATH", list},
	{"read", " PATH OFFSET LENGTH", readFile},
	{"write", " PATH MODE FLAGS SIZE", writeFile},
	{"mkdir", " PATH MODE FLAGS", mkdir},
	{"remove", " PATH FLAGS", remove},
	{"rename", " FROM TO FLAGS", rename},
	{"chmod", " PATH MODE", chmod},
	{"pack", " PATH [FLAGS]", pack},
	{"unpack", " PATH FLAGS", unpack},
	{"dial", " HOST PORT", dial},
	{"listening", " PORT...", listening},
	{"grow", "", grow},
	{"sshkey", "", sshKey},
	{"services", "", services},
}

// Main runs a tool and returns its exit code.
func Main(args []string) int {
	if len(args) > 0 && args[0] == areaName {
		var ok bool
		if args, ok = useArea(args[1:]); !ok {
			return usage()
		}
	}
	t := find(args)
	if t == nil {
		return usage()
	}
	syscall.Umask(0)
	switch f := t.run(args[1:]); f {
	case nil:
		return exitDone
	case badUsage:
		return usage()
	default:
		writeAll(2, []byte(f.text()))
		return exitFailed
	}
}

func find(args []string) *tool {
	for i := range tools {
		if len(args) > 0 && tools[i].name == args[0] {
			return &tools[i]
		}
	}
	return nil
}

func usage() int {
	text := "usage:\n"
	for i := range tools {
		text += "  " + Name + " " + tools[i].name + tools[i].usage + "\n"
	}
	text += "  " + Name + " " + areaName + " NAME OFFSET PIECE PIECES read|write|pack|unpack ...\n"
	writeAll(2, []byte(text))
	return exitUsage
}

// failure is why a tool did not do its work.
type failure struct {
	errno syscall.Errno
	op    string // the system call, or one of those below
	path  string
}

// What failed other than a system call.
const (
	opSize   = "size"
	opStream = "stream"
	opPack   = "pack"
)

var badUsage = &failure{}

// text is what the host reads on stderr. The path is the last: it may hold any
// byte.
func (f *failure) text() string {
	return itoa(int64(f.errno)) + " " + f.op + " " + f.path
}

// check makes a failure of an errno, if it is one.
func check(errno syscall.Errno, op, path string) *failure {
	if errno == 0 {
		return nil
	}
	return &failure{errno, op, path}
}
