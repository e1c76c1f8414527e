package boot

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// Alone looks whether no process of a program is left but this one and process
// 1. Threads of the kernel and the dead have no program.
func Alone() bool {
	fd, err := syscall.Open("/proc", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer sys.Close(fd)
	self := itoa(syscall.Getpid())
	var buf [4096]byte
	for {
		n, err := syscall.ReadDirent(fd, buf[:])
		if err != nil || n <= 0 {
			return true
		}
		for at := 0; at < n; {
			ent := (*syscall.Dirent)(unsafe.Pointer(&buf[at]))
			name := buf[at+int(unsafe.Offsetof(ent.Name)) : at+int(ent.Reclen)]
			at += int(ent.Reclen)
			if pid := digits(name); pid != "" && pid != self && pid != "1" && hasProgram(pid) {
				return false
			}
		}
	}
}

func hasProgram(pid string) bool {
	var target [1]byte
	_, err := syscall.Readlink("/proc/"+pid+"/exe", target[:])
	return err == nil
}
