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

// AllCPUs lets the calling thread, and the commands that it starts, use all
// CPUs again.
func AllCPUs() {
	var all [128]byte // the kernel leaves out CPUs that are not there
	for i := range all {
		all[i] = 0xff
	}
	syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, uintptr(len(all)), uintptr(unsafe.Pointer(&all)))
}
