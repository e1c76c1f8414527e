package sys

import (
	"syscall"
	"unsafe"
)

// entry is where the kernel enters the program (the linker is told by -E): it
// keeps the process on the first CPU and goes on to Go's own entry. Go starts
// threads while it sets itself up; with several emulated CPUs each of them is
// woken on another one, which doubles the time until main.
func entry()

// initialStack is how the kernel leaves the stack of a new program.
type initialStack struct {
	argc uintptr
	argv [maxArgs]*byte // as many as argc says
}

const maxArgs = 1 << 16

// atEntry is set by entry; nil: the program was linked without it.
var atEntry *initialStack

// Args returns the arguments of the program, its name first. (Package os, which
// does the same, costs start-up time.)
func Args() []string {
	if atEntry == nil {
		return nil
	}
	args := make([]string, min(atEntry.argc, maxArgs))
	for i := range args {
		args[i] = cString(atEntry.argv[i])
	}
	return args
}

// cString is a string up to its NUL, in place.
func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return unsafe.String(p, n)
}

// AllCPUs lets the calling thread, and the commands that it starts, use all
// CPUs again.
func AllCPUs() {
	var all [128]byte // the kernel leaves out CPUs that are not there
	for i := range all {
		all[i] = 0xff
	}
	syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, uintptr(len(all)), uintptr(unsafe.Pointer(&all)))
}
