package boot

import "syscall"

// SignalAll signals all processes but this one.
func SignalAll(sig syscall.Signal) { syscall.Kill(-1, sig) }

// Virtual file systems need no unmounting: they hold nothing on a disk.
var virtual = [...]string{"proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "cgroup2", "rootfs", "ramfs", "mqueue", "securityfs", "debugfs", "tracefs", "bpf", "binfmt_misc", "configfs", "hugetlbfs"}

// PowerOff writes everything to the disks and ends the machine. It does not
// return.
func PowerOff(acpi bool) {
	syscall.Sync()
	mounts := readAll("/proc/self/mounts")
	unmountAll(mounts)
	syscall.Mount("", "/", "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	syscall.Sync()
	Reset(acpi)
}

// Reset ends the machine at once. Without ACPI a restart is the way out: the
// machine monitor is told not to start again.
func Reset(acpi bool) {
	if acpi {
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	}
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
}

// unmountAll unmounts the disks of a mount table, the last mounted first.
func unmountAll(mounts string) {
	for len(mounts) > 0 {
		line := lastLine(mounts)
		mounts = mounts[:len(mounts)-len(line)]
		target, fstype := mountOf(line)
		if target != "" && target != "/" && !isVirtual(fstype) {
			syscall.Unmount(target, 0)
		}
	}
}

// lastLine returns the last line with its line end.
func lastLine(s string) string {
	for i := len(s) - 2; i >= 0; i-- {
		if s[i] == '\n' {
			return s[i+1:]
		}
	}
	return s
}

// mountOf takes target and type from "source target type options 0 0".
func mountOf(line string) (target, fstype string) {
	var words [3]string
	at := 0
	for i := 0; i < len(line) && at < len(words); i++ {
		if line[i] == ' ' || line[i] == '\n' {
			at++
		} else {
			words[at] += string(line[i : i+1])
		}
	}
	return unescape(words[1]), words[2]
}

// unescape undoes the kernel's \040 for blanks and the like.
func unescape(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			b = append(b, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		} else {
			b = append(b, s[i])
		}
	}
	return string(b)
}

func isVirtual(fstype string) bool {
	for _, v := range virtual {
		if v == fstype {
			return true
		}
	}
	return false
}

func readAll(path string) string {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer syscall.Close(fd)
	const most = 1 << 20
	var all []byte
	var b [4096]byte
	for len(all) < most {
		n, err := syscall.Read(fd, b[:])
		if err != nil || n <= 0 {
			break
		}
		all = append(all, b[:n]...)
	}
	return string(all)
}
