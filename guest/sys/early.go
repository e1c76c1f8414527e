package sys

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// With `-- DEVICE TYPE PROGRAM [ARG...]` on the kernel command line, the kernel
// starts the agent with these arguments. Then the entry starts a helper before
// Go sets itself up, which under emulation takes longer than what the helper
// does on another CPU: mount /dev, /proc and DEVICE, and run PROGRAM on it,
// which brings what the first command needs into memory.
//
// The table is laid out by the compiler: it is complete before Go runs.
var earlySteps = [...]step{
	{nr: syscall.SYS_MOUNT, a: uintptr(unsafe.Pointer(&devtmpfs)), b: uintptr(unsafe.Pointer(&dev)), c: uintptr(unsafe.Pointer(&devtmpfs)), d: syscall.MS_NOSUID},
	{nr: syscall.SYS_MOUNT, a: uintptr(unsafe.Pointer(&proc)), b: uintptr(unsafe.Pointer(&procDir)), c: uintptr(unsafe.Pointer(&proc)), d: syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC},
	{nr: syscall.SYS_MOUNT, b: uintptr(unsafe.Pointer(&newRoot))}, // the entry fills in DEVICE and TYPE
	{nr: syscall.SYS_CHDIR, a: uintptr(unsafe.Pointer(&newRoot))},
	{nr: syscall.SYS_CHROOT, a: uintptr(unsafe.Pointer(&here))},
	{nr: syscall.SYS_EXECVE}, // the entry fills in PROGRAM, its arguments and environment
}

// How many steps it takes until something is there.
const (
	EarlyDev  = 2 // /dev and /proc
	EarlyRoot = 3 // the root disk on /newroot
)

var (
	devtmpfs = [...]byte{'d', 'e', 'v', 't', 'm', 'p', 'f', 's', 0}
	dev      = [...]byte{'/', 'd', 'e', 'v', 0}
	proc     = [...]byte{'p', 'r', 'o', 'c', 0}
	procDir  = [...]byte{'/', 'p', 'r', 'o', 'c', 0}
	newRoot  = [...]byte{'/', 'n', 'e', 'w', 'r', 'o', 'o', 't', 0}
	here     = [...]byte{'.', 0}
)

// earlyPlan is what the helper tells, in memory that both share. The entry sets
// it when it has started the helper.
var earlyPlan *plan

// EarlyDone waits until the helper has taken so many steps, and tells whether
// it has: if not, it was not started, or a step failed and is to be done again.
func EarlyDone(steps uintptr) bool {
	for earlyPlan != nil {
		if atomic.LoadUintptr(&earlyPlan.done) >= steps {
			return true
		}
		if atomic.LoadUintptr(&earlyPlan.errno) != 0 {
			return false
		}
		pause := syscall.Timespec{Nsec: 100_000}
		syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0)
	}
	return false
}
