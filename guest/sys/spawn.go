package sys

import (
	"syscall"
	"unsafe"
)

// Steps that a new process takes on its way to the program.
const (
	StepUser = iota // setgroups, setgid, setuid
	StepDir         // chdir
	StepExec        // execve
	StepSelf        // anything else
)

// Command is what Spawn starts.
type Command struct {
	Path       *byte
	Self       bool    // our own program in place of Path
	Argv, Envv []*byte // each ends in nil
	Dir        *byte   // nil: as the agent
	Files      [3]int  // become 0, 1 and 2
	Cred       *syscall.Credential
	Terminal   bool // file 0 is to be its controlling terminal
}

const (
	cloneVM           = 0x100
	cloneVfork        = 0x4000
	cloneClearSighand = 0x100000000
)

// step is one system call of the new process.
type step struct{ nr, a, b, c, d, e uintptr }

// plan is known to the assembly: the offsets of its fields matter.
type plan struct {
	clone     *[8]uint64 // struct clone_args
	cloneSize uintptr
	steps     *step
	done      uintptr // how many steps were taken
	errno     uintptr // why the next one failed; 0: it did not
}

// vfork makes a process that shares our memory and takes the steps, and waits
// until it has become the program or has ended.
func vfork(p *plan) (pid int)

// These live outside the heap and the stack: addresses in steps stay good.
var (
	steps     [12]step
	kinds     [12]int
	cloneArgs = [8]uint64{0: cloneVM | cloneVfork | cloneClearSighand, 4: uint64(syscall.SIGCHLD)}
	thePlan   plan
)

// The process that flushes shares our memory too but runs beside us: it needs
// a table of its own.
var (
	syncSteps = [2]step{{nr: syscall.SYS_SYNC}, {nr: syscall.SYS_EXIT}}
	syncClone = [8]uint64{0: cloneVM | cloneClearSighand, 4: uint64(syscall.SIGCHLD)}
	syncPlan  = plan{clone: &syncClone, cloneSize: unsafe.Sizeof(syncClone), steps: &syncSteps[0]}
)

// The process that does one ioctl beside us.
var (
	ioctlSteps = [2]step{{nr: syscall.SYS_IOCTL}, {nr: syscall.SYS_EXIT}}
	ioctlClone = [8]uint64{0: cloneVM | cloneClearSighand, 4: uint64(syscall.SIGCHLD)}
	ioctlPlan  = plan{clone: &ioctlClone, cloneSize: unsafe.Sizeof(ioctlClone), steps: &ioctlSteps[0]}
)

// SpawnIoctl does a slow ioctl in a process of its own, on another CPU if
// there is one. The argument must be a global. Once, at boot.
func SpawnIoctl(fd int, request, arg uintptr) (pid int) {
	ioctlSteps[0].a, ioctlSteps[0].b, ioctlSteps[0].c = uintptr(fd), request, arg
	return vfork(&ioctlPlan)
}

// WaitIoctl waits for the process of SpawnIoctl and returns its errno.
func WaitIoctl(pid int) syscall.Errno {
	for {
		_, err := syscall.Wait4(pid, nil, 0, nil)
		if err != syscall.EINTR {
			return syscall.Errno(ioctlPlan.errno)
		}
	}
}

// SpawnSync flushes all disks in a process of its own and returns its pid.
func SpawnSync() int { return vfork(&syncPlan) }

// Sync flushes all disks.
func Sync() { syscall.Sync() }

// Spawn starts a command in a session of its own. On failure it tells at which
// kind of step; the process that failed is to be reaped like any other.
//
// syscall.ForkExec does the same with a pipe for the errno and 65 calls that
// reset signal handlers: a fifth of the cost of a short command. Here the
// errno comes back through the memory that both share, and the kernel resets
// the handlers. The child must not touch the stack, hence the table.
//
//go:nocheckptr
func Spawn(c *Command) (pid, failedAt int, errno syscall.Errno) {
	n := 0
	add := func(kind int, nr, a, b, c uintptr) {
		steps[n], kinds[n] = step{nr: nr, a: a, b: b, c: c}, kind
		n++
	}
	add(StepSelf, syscall.SYS_SETSID, 0, 0, 0)
	for i, fd := range c.Files {
		add(StepSelf, syscall.SYS_DUP3, uintptr(fd), uintptr(i), 0)
	}
	if c.Terminal {
		add(StepSelf, syscall.SYS_IOCTL, 0, tiocsCtty, 0)
	}
	if u := c.Cred; u != nil {
		add(StepUser, syscall.SYS_SETGROUPS, uintptr(len(u.Groups)), uintptr(unsafe.Pointer(unsafe.SliceData(u.Groups))), 0)
		add(StepUser, syscall.SYS_SETGID, uintptr(u.Gid), 0, 0)
		add(StepUser, syscall.SYS_SETUID, uintptr(u.Uid), 0, 0)
	}
	if c.Dir != nil {
		add(StepDir, syscall.SYS_CHDIR, uintptr(unsafe.Pointer(c.Dir)), 0, 0)
	}
	argv, envv := uintptr(unsafe.Pointer(&c.Argv[0])), uintptr(unsafe.Pointer(&c.Envv[0]))
	if c.Self {
		self, e := ownProgram()
		if e != 0 {
			return 0, StepSelf, e
		}
		steps[n], kinds[n] = step{nrExecveat, uintptr(self), uintptr(unsafe.Pointer(&noPath)), argv, envv, atEmptyPath}, StepExec
	} else {
		add(StepExec, syscall.SYS_EXECVE, uintptr(unsafe.Pointer(c.Path)), argv, envv)
	}
	thePlan = plan{clone: &cloneArgs, cloneSize: unsafe.Sizeof(cloneArgs), steps: &steps[0]}
	pid = vfork(&thePlan)
	if pid < 0 {
		return 0, StepSelf, syscall.Errno(-pid)
	}
	if thePlan.errno == 0 {
		return pid, 0, 0
	}
	return 0, kinds[thePlan.done], syscall.Errno(thePlan.errno)
}
