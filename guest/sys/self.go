package sys

import "syscall"

const (
	oPath       = 0x200000
	atEmptyPath = 0x1000
)

var (
	selfFd = -1
	noPath = [1]byte{}
)

// ownProgram returns the file that we run, whatever is mounted over its path
// since.
func ownProgram() (fd int, errno syscall.Errno) {
	if selfFd < 0 {
		fd, err := syscall.Open("/proc/self/exe", oPath|syscall.O_CLOEXEC, 0)
		if err != nil {
			return -1, Errno(err)
		}
		selfFd = fd
	}
	return selfFd, 0
}
