package tool

import (
	"syscall"
	"unsafe"
)

// A transfer area is a part of a disk that the host can reach too. Large data
// goes through it instead of stdin and stdout, which then carry records
// (docs/agent-tools.md).

const (
	block      = 4096             // what a disk reads and writes in full
	worthwhile = 64 << 10         // less goes in the record itself
	inlineBit  = 1 << 31          // of a record: so many bytes follow
	openRecord = 0xffffffff       // of the host: say whether the area is there
	maxInline  = 1 << 20          // bytes of one record
	maxPiece   = 4 << 20          // bytes
	areaArgs   = 4                // NAME OFFSET PIECE PIECES
	areaName   = "area"           // the word before them
	taken      = byte(1)          // a piece is free again, or: the area is there
	absent     = byte(0)          // it is not
	populate   = 23               // MADV_POPULATE_WRITE
	setLock    = 37               // F_OFD_SETLK
	direct     = syscall.O_DIRECT // past the guest's cache: the host writes it too
	exclusive  = syscall.F_WRLCK  // one tool has it
)

type area struct {
	name         string // serial number of the disk, or the path of a file
	base         int64
	piece, count int

	tried bool
	fd    int    // -1: not there
	mem   []byte // a block, of which the end is the head of a record, and room for a piece
	moved int    // pieces that went through it
	acked int    // those that the side that takes has told of
}

// via is the area that the host has named, if any.
var via *area

// useArea takes the words that name an area and returns those of the tool.
func useArea(args []string) (rest []string, ok bool) {
	if len(args) <= areaArgs || !throughArea(args[areaArgs]) {
		return nil, false
	}
	base, ok := decimal(args[1])
	piece, ok2 := decimal(args[2])
	count, ok3 := decimal(args[3])
	if !ok || !ok2 || !ok3 || base%block != 0 || piece%block != 0 || piece < worthwhile || piece > maxPiece || count < 1 || count > 64 {
		return nil, false
	}
	via = &area{name: args[0], base: base, piece: int(piece), count: int(count), fd: -1}
	return args[areaArgs:], true
}

func throughArea(tool string) bool {
	return tool == "read" || tool == "write" || tool == "pack" || tool == "unpack"
}

// buffer is the room for a piece, and for the head of a record before it.
func (a *area) buffer() []byte {
	if a.mem == nil {
		mem, err := syscall.Mmap(-1, 0, block+a.piece, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANONYMOUS)
		if err != nil {
			// Aligned for the disk or not, the records still go.
			a.tried, mem = true, make([]byte, block+a.piece)
		}
		a.mem = mem
	}
	return a.mem[block:]
}

// open tells whether the area is there. A tool before us that is not yet gone
// has it still: then it is not there for us.
func (a *area) open() bool {
	if a.tried {
		return a.fd >= 0
	}
	b := a.buffer()
	if a.tried {
		return false
	}
	a.tried = true
	fd := openArea(a.name)
	if fd < 0 {
		return false
	}
	lock := syscall.Flock_t{Type: exclusive, Start: a.base, Len: int64(a.piece) * int64(a.count)}
	if syscall.FcntlFlock(uintptr(fd), setLock, &lock) != nil {
		closeFd(fd)
		return false
	}
	// One call instead of a fault for each page; without it they come by themselves.
	syscall.Syscall(syscall.SYS_MADVISE, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), populate)
	a.fd = fd
	return true
}

func openArea(name string) int {
	if name != "" && name[0] == '/' {
		return opened(name, 0)
	}
	for letter := 'a'; letter <= 'z'; letter++ {
		disk := "vd" + string(letter)
		if serialOf(disk) == name {
			return opened("/dev/"+disk, direct)
		}
	}
	return -1
}

func opened(path string, how int) int {
	fd, errno := openAt(atCwd, path, syscall.O_RDWR|syscall.O_NOFOLLOW|quietly|how, 0)
	if errno != 0 {
		return -1
	}
	st, errno := statFd(fd)
	kind := st.Mode & syscall.S_IFMT
	if errno != 0 || how != 0 && kind != syscall.S_IFBLK || how == 0 && kind != syscall.S_IFREG {
		closeFd(fd)
		return -1
	}
	return fd
}

func serialOf(disk string) string {
	fd, errno := openAt(atCwd, "/sys/block/"+disk+"/serial", syscall.O_RDONLY|quietly, 0)
	if errno != 0 {
		return ""
	}
	defer closeFd(fd)
	var b [32]byte
	n, _ := read(fd, b[:])
	return string(b[:n])
}

// at is where the next piece is.
func (a *area) at() int64 {
	return a.base + int64(a.moved%a.count)*int64(a.piece)
}

func rounded(n int) int { return (n + block - 1) &^ (block - 1) }

// take reads the next piece of the host and gives its place back.
func (a *area) take(size int) ([]byte, syscall.Errno) {
	b := a.buffer()[:rounded(size)]
	n, errno := readAt(a.fd, b, a.at())
	if errno != 0 || n < size {
		return nil, orElse(errno, syscall.EIO)
	}
	a.moved++
	return b[:size], a.acknowledge()
}

// acknowledge tells the host of half of the pieces at once: what wakes it wakes
// the agent too.
func (a *area) acknowledge() syscall.Errno {
	n := a.moved - a.acked
	if n*2 < a.count {
		return 0
	}
	a.acked = a.moved
	b := make([]byte, n)
	for i := range b {
		b[i] = taken
	}
	return writeAll(1, b)
}

func (a *area) say(what byte) syscall.Errno {
	return writeAll(1, []byte{what})
}

// give writes the next piece for the host, when its place is free.
func (a *area) give(size int) syscall.Errno {
	for a.moved-a.acked >= a.count {
		if errno := a.awaitAck(); errno != 0 {
			return errno
		}
	}
	if errno := writeAllAt(a.fd, a.buffer()[:rounded(size)], a.at()); errno != 0 {
		return errno
	}
	a.moved++
	return 0
}

func (a *area) awaitAck() syscall.Errno {
	b := make([]byte, a.count+1) // more than there can be shows
	n, errno := read(0, b)
	if errno != 0 || n == 0 {
		return orElse(errno, syscall.EPIPE)
	}
	a.acked += n
	if a.acked > a.moved {
		return syscall.EBADMSG
	}
	return 0
}

// send brings what is in the buffer to the host: as a piece, or in the record.
func (a *area) send(size int) syscall.Errno {
	head := a.mem[block-4 : block]
	if size < worthwhile || !a.open() {
		putU32(head, inlineBit|uint32(size))
		return writeAll(1, a.mem[block-4:block+size])
	}
	if errno := a.give(size); errno != 0 {
		return errno
	}
	putU32(head, uint32(size))
	return writeAll(1, head)
}

func putU32(b []byte, n uint32) {
	b[0], b[1], b[2], b[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
}
