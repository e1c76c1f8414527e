// Package boot sets up the machine: mounts, root disk, limits, network
// loopback; and ends it.
package boot

import (
	"syscall"

	"smolvm/guest/sys"
)

const (
	secure = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC
	shared = syscall.MS_NOSUID | syscall.MS_NODEV
)

// Console writes one line to the console. It is slow under emulation: only
// for what nobody could otherwise learn.
func Console(text string) {
	sys.Write(2, []byte("agent: "+text+"\n"))
}

// Early mounts what is needed to find the control ports: /dev, and /proc for
// the command line.
func Early() {
	mount("devtmpfs", "/dev", "devtmpfs", syscall.MS_NOSUID, "")
	mount("proc", "/proc", "proc", secure, "")
}

// Rest mounts the other file systems of a running system below /, which is
// the root disk or the initramfs.
func Rest() {
	mount("sysfs", "/sys", "sysfs", secure, "")
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", secure, "")
	mount("devpts", "/dev/pts", "devpts", syscall.MS_NOSUID|syscall.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5")
	mount("tmpfs", "/dev/shm", "tmpfs", shared, "mode=1777")
	mount("tmpfs", "/run", "tmpfs", shared, "mode=0755")
	if syscall.Mkdir("/tmp", 0777) == nil {
		syscall.Chmod("/tmp", 01777) // what the umask took away, and the sticky bit
	}
	syscall.Symlink("/proc/self/fd", "/dev/fd")
	syscall.Symlink("/proc/self/fd/0", "/dev/stdin")
	syscall.Symlink("/proc/self/fd/1", "/dev/stdout")
	syscall.Symlink("/proc/self/fd/2", "/dev/stderr")
}

// mount mounts one of the kernel's own file systems and makes the folder for
// it if need be. A failure is told but is no reason to stop.
func mount(source, target, fstype string, flags uintptr, data string) {
	err := syscall.Mount(source, target, fstype, flags, data)
	if err == syscall.ENOENT && syscall.Mkdir(target, 0755) == nil {
		err = syscall.Mount(source, target, fstype, flags, data)
	}
	if err != nil && err != syscall.EBUSY {
		Console("mount " + target + ": " + err.Error())
	}
}
