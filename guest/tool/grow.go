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

func diskBytes(device string) (bytes uint64, f *failure) {
	const diskSize = 0x80081272 // BLKGETSIZE64
	if device == "" {
		return 0, check(syscall.ENODEV, "open", "/")
	}
	fd, errno := openAt(atCwd, device, syscall.O_RDONLY, 0)
	if errno != 0 {
		return 0, check(errno, "open", device)
	}
	errno = ioctl(fd, diskSize, unsafe.Pointer(&bytes))
	return bytes, check(errno, "ioctl", device)
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

// rootDevice finds what is mounted on / in "36 35 98:0 / / rw - ext4 /dev/vda rw"
// lines. Of several mounts the last is on top.
func rootDevice(mountinfo string) (device string) {
	for mountinfo != "" {
		var line string
		line, mountinfo, _ = cutAt(mountinfo, '\n')
		var point string
		for i := 0; i < 5; i++ {
			point, line, _ = cutAt(line, ' ')
		}
		if point != "/" {
			continue
		}
		// Any number of words, "-", the type, the device.
		for word, more := "", true; more && word != "-"; {
			word, line, more = cutAt(line, ' ')
		}
		_, line, _ = cutAt(line, ' ')
		device, _, _ = cutAt(line, ' ')
	}
	return device
}
