package tool

import (
	"syscall"
	"unsafe"

	"smolvm/guest/cmdline"
	"smolvm/guest/sys"
)

const (
	device       = "eth0"
	deviceMillis = 2000 // how long it may take to appear
	usualDNS     = "8.8.8.8"
	resolvConf   = "/etc/resolv.conf"
)

// address is what ip= says.
type address struct {
	client, gateway, mask [4]byte
	hasGateway            bool
	device                string
}

// parseAddress reads "client:server:gateway:netmask:host:device:...". A mask
// that is none means /24.
func parseAddress(text string) (a address, ok bool) {
	var fields [6]string
	for i := range fields {
		fields[i], text, _ = cutAt(text, ':')
	}
	if a.client, ok = parseIPv4(fields[0]); !ok {
		return a, false
	}
	a.gateway, a.hasGateway = parseIPv4(fields[2])
	mask, isMask := parseIPv4(fields[3])
	if !isMask || !contiguous(mask) {
		mask = [4]byte{255, 255, 255, 0}
	}
	a.mask = mask
	if a.device = fields[5]; a.device == "" || len(a.device) >= syscall.IFNAMSIZ {
		a.device = device
	}
	return a, true
}

// contiguous tells whether a mask is ones and then zeros.
func contiguous(mask [4]byte) bool {
	n := uint32(mask[0])<<24 | uint32(mask[1])<<16 | uint32(mask[2])<<8 | uint32(mask[3])
	return n != 0 && ^n&(^n+1) == 0
}

// bringUp sets the network up as far as the command line asks for it.
func bringUp(o *cmdline.Options) {
	a, isStatic := parseAddress(o.Address)
	if !isStatic {
		a.device = device
	}
	if !isStatic && !o.GuestNetwork {
		return
	}
	if f := awaitDevice(a.device); f != nil {
		complain("network", f)
		return
	}
	if o.GuestNetwork {
		f := askGuest()
		if f == nil {
			return
		}
		complain("network", f)
	}
	if !isStatic {
		return
	}
	if f := a.apply(); f != nil {
		complain("network", f)
	}
	writeResolv(o.DNS)
}

// awaitDevice waits until the kernel has found the network card.
func awaitDevice(name string) *failure {
	end := sys.Millis() + deviceMillis
	for {
		req := request(name)
		errno := netIoctl(syscall.SIOCGIFFLAGS, unsafe.Pointer(&req))
		if errno == 0 || sys.Millis() >= end {
			return check(errno, "SIOCGIFFLAGS", name)
		}
		nap(10)
	}
}

// askGuest lets the image bring its network up: its own script, or else what is
// there of the usual programs, until one of them says that it has.
func askGuest() *failure {
	last := check(syscall.ENOENT, "guest", "no program that could bring the network up")
	for _, argv := range [...][]string{
		{firstOf("/etc/smolvm/network.sh"), device},
		{firstOf("/sbin/ifup", "/usr/sbin/ifup"), device},
		{firstOf("/sbin/udhcpc", "/usr/sbin/udhcpc"), "-n", "-q", "-i", device},
		{firstOf("/sbin/dhclient", "/usr/sbin/dhclient"), "-1", device},
	} {
		if argv[0] == "" {
			continue
		}
		if last = runProgram(argv...); last == nil {
			return nil
		}
	}
	return last
}

// ifreq is the kernel's struct, with an address or flags in it.
type ifreq struct {
	name [16]byte
	data [24]byte
}

func request(name string) (r ifreq) {
	copy(r.name[:len(r.name)-1], name)
	return r
}

// inet is struct sockaddr_in.
func inet(ip [4]byte) (b [16]byte) {
	b[0] = syscall.AF_INET
	copy(b[4:], ip[:])
	return b
}

// rtentry is the kernel's struct.
type rtentry struct {
	_                      uint64
	dst, gateway, genmask  [16]byte
	flags                  uint16
	_                      [6]byte
	_, _, _, _, _, _, _, _ uint64
}

func (a *address) apply() *failure {
	for _, set := range [...]struct {
		request uintptr
		op      string
		ip      [4]byte
	}{
		{syscall.SIOCSIFADDR, "SIOCSIFADDR", a.client},
		{syscall.SIOCSIFNETMASK, "SIOCSIFNETMASK", a.mask},
	} {
		req := request(a.device)
		ip := inet(set.ip)
		copy(req.data[:], ip[:])
		if errno := netIoctl(set.request, unsafe.Pointer(&req)); errno != 0 {
			return check(errno, set.op, a.device)
		}
	}
	req := request(a.device)
	req.data[0] = syscall.IFF_UP | syscall.IFF_RUNNING
	if errno := netIoctl(syscall.SIOCSIFFLAGS, unsafe.Pointer(&req)); errno != 0 {
		return check(errno, "SIOCSIFFLAGS", a.device)
	}
	if !a.hasGateway {
		return nil
	}
	route := rtentry{dst: inet([4]byte{}), gateway: inet(a.gateway), genmask: inet([4]byte{}), flags: syscall.RTF_UP | syscall.RTF_GATEWAY}
	errno := netIoctl(syscall.SIOCADDRT, unsafe.Pointer(&route))
	if errno == syscall.EEXIST {
		errno = 0
	}
	return check(errno, "SIOCADDRT", a.device)
}

func netIoctl(request uintptr, arg unsafe.Pointer) syscall.Errno {
	sock, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return errnoOf(err)
	}
	defer closeFd(sock)
	return ioctl(sock, request, arg)
}

// writeResolv names a resolver: the one that was given, or a usual one where the
// image names none.
func writeResolv(dns string) {
	if _, ok := parseIPv4(dns); !ok {
		dns = usualDNS
		if text, errno := readSmall(resolvConf, 64<<10); errno == 0 && namesServer(text) {
			return
		}
	}
	if f := replaceFile(resolvConf, "nameserver "+dns+"\n", 0o644); f != nil {
		complain("resolver", f)
	}
}

func namesServer(text string) bool {
	for text != "" {
		var line string
		line, text, _ = cutAt(text, '\n')
		if word, _, _ := cutAt(line, ' '); word == "nameserver" {
			return true
		}
	}
	return false
}

// replaceFile writes a small file, whole or not at all.
func replaceFile(path, text string, mode uint32) *failure {
	temporary := path + ".smolvm"
	fd, errno := openAt(atCwd, temporary, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC|syscall.O_NOFOLLOW, mode)
	if errno != 0 {
		return check(errno, "open", temporary)
	}
	errno = writeAll(fd, []byte(text))
	if errno == 0 {
		errno = errnoOf(syscall.Fchmod(fd, mode))
	}
	closeFd(fd)
	if errno != 0 {
		return check(errno, "write", temporary)
	}
	return check(errnoOf(syscall.Rename(temporary, path)), "rename", path)
}
