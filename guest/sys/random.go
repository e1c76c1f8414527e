package sys

import (
	"syscall"
	"unsafe"
)

// AddEntropy puts data into the kernel's pool, credits all its bits and makes
// the generator take them at once.
func AddEntropy(data []byte) int {
	fd, err := syscall.Open("/dev/urandom", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -int(Errno(err))
	}
	defer Close(fd)
	var pool struct {
		bits, size int32
		data       [512]byte
	}
	n := copy(pool.data[:], data)
	pool.bits, pool.size = int32(n*8), int32(n)
	_, _, e := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), rndAdd, uintptr(unsafe.Pointer(&pool)))
	if e == 0 {
		_, _, e = syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), rndReseed, 0)
	}
	return ret(0, e)
}

// Errno is the number behind an error of package syscall.
func Errno(err error) syscall.Errno {
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EINVAL
}
