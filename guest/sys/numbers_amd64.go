package sys

import "syscall"

// System calls that package syscall lacks on a CPU or names in another way.
const (
	NrFstatat   = syscall.SYS_NEWFSTATAT
	NrRenameat2 = 316
	NrGetrandom = 318
	nrExecveat  = 322
)
