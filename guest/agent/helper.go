package agent

import (
	"runtime"
	"syscall"

	"smolvm/guest/sys"
	"smolvm/guest/tool"
)

// RootMounted tells whether there is a root for programs.
func (l *Loop) RootMounted() bool { return l.host.RootErr == "" }

// StartHelper starts a tool that belongs to no session. It talks to the
// console; that it has ended is nobody's business.
func (l *Loop) StartHelper(name string) {
	console := sys.DupHigh(2)
	if console < 0 {
		return
	}
	defer sys.Close(console)
	c := sys.Command{Self: true, Files: [3]int{l.devNull, console, console}}
	// None of these strings has a NUL in it: no error can come.
	c.Argv, _ = syscall.SlicePtrFromStrings([]string{tool.Name, name})
	c.Envv, _ = syscall.SlicePtrFromStrings([]string{"PATH=" + defaultPath, "HOME=/root"})
	sys.Spawn(&c)
	runtime.KeepAlive(&c)
}
