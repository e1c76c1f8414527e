package boot

import (
	"syscall"

	"smolvm/guest/cmdline"
)

const (
	newRoot = "/newroot"
	msMove  = syscall.MS_MOVE
)

// Root mounts the root disk and makes it /. The answer is empty, or says why
// that failed; the initramfs is then still /.
func Root(o cmdline.Options) string {
	syscall.Mkdir(newRoot, 0755)
	flags := uintptr(syscall.MS_RDONLY)
	if o.Writable {
		flags = 0
	}
	if err := syscall.Mount(o.Root, newRoot, o.FSType, flags, o.RootFlags); err != nil {
		return "mount " + o.Root + " (" + o.FSType + ") on /: " + err.Error()
	}
	return EnterRoot(o)
}

// OnRoot tells whether / is a disk already, as it is where the kernel was
// started without an initramfs.
func OnRoot() bool {
	const ramfs, tmpfs = 0x858458f6, 0x01021994
	var fs syscall.Statfs_t
	if syscall.Statfs("/", &fs) != nil {
		return false
	}
	kind := uint32(fs.Type)
	return kind != ramfs && kind != tmpfs
}

// EnterRoot makes what is mounted on /newroot the root.
func EnterRoot(o cmdline.Options) string {
	for _, dir := range [...]string{"/dev", "/proc"} {
		err := moveMount(dir, newRoot+dir)
		if err != nil {
			syscall.Unmount(newRoot, syscall.MNT_DETACH)
			return "no " + dir + " on the root disk " + o.Root + ": " + err.Error()
		}
	}
	if err := enter(newRoot); err != nil {
		return "make " + o.Root + " the root: " + err.Error()
	}
	return ""
}

func moveMount(from, to string) error {
	err := syscall.Mount(from, to, "", msMove, "")
	if err == syscall.ENOENT && syscall.Mkdir(to, 0755) == nil {
		err = syscall.Mount(from, to, "", msMove, "")
	}
	return err
}

func enter(dir string) error {
	if err := syscall.Chdir(dir); err != nil {
		return err
	}
	if err := syscall.Mount(".", "/", "", msMove, ""); err != nil {
		return err
	}
	if err := syscall.Chroot("."); err != nil {
		return err
	}
	return syscall.Chdir("/")
}
