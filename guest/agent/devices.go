package agent

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// maxPorts bounds what a hostile device could make the agent open.
const maxPorts = 64

// watcher opens control ports as they appear in a directory.
type watcher struct {
	loop  *Loop
	dir   string
	fd    int
	ports int
}

// WatchPorts opens all ports in dir (/dev) now and those that come later.
func (l *Loop) WatchPorts(dir string) {
	w := &watcher{loop: l, dir: dir}
	l.watcher = w
	w.fd, _ = syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	syscall.InotifyAddWatch(w.fd, dir, syscall.IN_CREATE)
	l.watch(w.fd, syscall.EPOLLIN|sys.EPOLLET, target{kind: kindDevices})
	w.scan()
}

// WaitDevice waits until path exists, and opens ports meanwhile.
func (l *Loop) WaitDevice(path string, millis int64) bool {
	end := sys.Millis() + millis
	for {
		var st syscall.Stat_t
		if syscall.Stat(path, &st) == nil {
			return true
		}
		left := end - sys.Millis()
		if left <= 0 {
			return false
		}
		n := sys.EpollWait(l.epfd, l.events[:], int(left))
		for i := 0; i < n; i++ {
			l.dispatch(&l.events[i])
		}
	}
}

// events opens what has been created since the last look.
func (w *watcher) events() {
	var buf [4096]byte
	for {
		n := sys.Read(w.fd, buf[:])
		if n <= 0 {
			return
		}
		for at := 0; at+syscall.SizeofInotifyEvent <= n; {
			ev := (*syscall.InotifyEvent)(unsafe.Pointer(&buf[at]))
			name := buf[at+syscall.SizeofInotifyEvent:][:ev.Len]
			at += syscall.SizeofInotifyEvent + int(ev.Len)
			if ev.Mask&syscall.IN_Q_OVERFLOW != 0 {
				w.scan()
			} else {
				w.open(cString(name))
			}
		}
	}
}

// scan opens all ports that are there and not yet open (those give EBUSY).
func (w *watcher) scan() {
	fd, err := syscall.Open(w.dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer sys.Close(fd)
	var buf [4096]byte
	for {
		n, err := syscall.ReadDirent(fd, buf[:])
		if err != nil || n <= 0 {
			return
		}
		for at := 0; at < n; {
			ent := (*syscall.Dirent)(unsafe.Pointer(&buf[at]))
			name := buf[at+int(unsafe.Offsetof(ent.Name)) : at+int(ent.Reclen)]
			at += int(ent.Reclen)
			w.open(cString(name))
		}
	}
}

func (w *watcher) open(name string) {
	if w.ports >= maxPorts || !isPort(name) {
		return
	}
	fd, err := syscall.Open(w.dir+"/"+name, syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err == nil {
		w.ports++
		w.loop.AddPort(fd)
	}
}

// isPort matches vport<number>p<number>.
func isPort(name string) bool {
	if len(name) < 8 || name[:5] != "vport" {
		return false
	}
	seen := 0
	for i := 5; i < len(name); i++ {
		switch c := name[i]; {
		case c == 'p' && i > 5:
			seen++
		case c < '0' || c > '9':
			return false
		}
	}
	return seen == 1 && name[len(name)-1] != 'p'
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
