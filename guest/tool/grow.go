package tool

import (
	"syscall"
	"unsafe"
)

// grow makes the ext4 file system of / as large as its disk.
func grow(args []string) *failure {
	const (
		mounts     = "/proc/self/mountinfo"
		mostMounts = 1 << 20    // bytes
		resizeFs   = 0x40086610 // EXT4_IOC_RESIZE_FS
	)
	if len(args) != 0 {
		return badUsage
	}
	text, errno := readSmall(mounts, mostMounts)
	if errno != 0 {
		return check(errno, "read", mounts)
	}
	bytes, f := diskBytes(rootDevice(text))
	if f != nil {
		return f
	}
	root, errno := openAt(atCwd, "/", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if errno != 0 {
		return check(errno, "open", "/")
	}
	var fs syscall.Statfs_t
	if err := syscall.Fstatfs(root, &fs); err != nil {
		return check(errnoOf(err), "statfs", "/")
	}
	// If it has this size already the kernel does nothing and is content.
	blocks := bytes / uint64(fs.Bsize)
	if errno = ioctl(root, resizeFs, unsafe.Pointer(&blocks)); errno != 0 {
		return check(errno, "ioctl", "/")
	}
	out := output{[]byte(itoa(int64(blocks*uint64(fs.Bsize))) + "\n")}
	return out.flush()
}

// diskBytes returns the size of a disk by its number. It has no need for the
// disk's node: where the kernel has mounted the root that is /dev/root, which
// is no file.
func diskBytes(number string) (bytes uint64, f *failure) {
	const mostDigits, sectorBytes = 32, 512
	if number == "" {
		return 0, check(syscall.ENODEV, "open", "/")
	}
	path := "/sys/dev/block/" + number + "/size"
	text, errno := readSmall(path, mostDigits)
	if errno != 0 {
		return 0, check(errno, "read", path)
	}
	line, _, _ := cutAt(text, '\n')
	sectors, ok := decimal(line)
	if !ok {
		return 0, check(syscall.EINVAL, "read", path)
	}
	return uint64(sectors) * sectorBytes, nil
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) syscall.Errno {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return errno
}

// readSmall reads a file of /proc.
func readSmall(path string, most int) (string, syscall.Errno) {
	fd, errno := openAt(atCwd, path, syscall.O_RDONLY, 0)
	if errno != 0 {
		return "", errno
	}
	defer closeFd(fd)
	var text []byte
	b := make([]byte, 4096)
	for len(text) < most {
		n, errno := read(fd, b)
		if errno != 0 || n == 0 {
			return string(text), errno
		}
		text = append(text, b[:n]...)
	}
	return "", syscall.EFBIG
}

// rootDevice finds the number of what is mounted on / in
// "36 35 98:0 / / rw - ext4 /dev/vda rw" lines. Of several mounts the last is
// on top.
func rootDevice(mountinfo string) (number string) {
	for mountinfo != "" {
		var line string
		line, mountinfo, _ = cutAt(mountinfo, '\n')
		var words [5]string
		for i := range words {
			words[i], line, _ = cutAt(line, ' ')
		}
		if words[4] == "/" {
			number = words[2]
		}
	}
	return number
}
