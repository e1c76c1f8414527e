package sys

import "syscall"

// System calls that package syscall lacks on a CPU or names in another way.
const (
	NrFstatat   = syscall.SYS_FSTATAT
	NrRenameat2 = syscall.SYS_RENAMEAT2
	NrGetrandom = syscall.SYS_GETRANDOM
	nrExecveat  = syscall.SYS_EXECVEAT
)
