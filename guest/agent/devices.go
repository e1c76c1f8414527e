package agent

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// maxPorts bounds what a hostile device could make the agent open.
const maxPorts = 64

// The kernel makes the node of a port before the port is ready: an open in
// between gives ENXIO, and nothing tells when it would work. (A console port
// gives ENXIO for ever.)
const (
	retryMillis = 1
	retryMost   = 1000
)

// watcher opens control ports as they appear in a directory.
type watcher struct {
	loop    *Loop
	dir     string
	fd      int
	ports   int
	unready []string // ports that gave ENXIO
	due     int64    // when they are tried again; 0: there are none
	end     int64    // when they are given up
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
		now := sys.Millis()
		if now >= end {
			return false
		}
		n := sys.EpollWait(l.epfd, l.events[:], int(earlier(end, l.watcher.due)-now)+1)
		for i := 0; i < n; i++ {
			l.dispatch(&l.events[i])
		}
		l.watcher.retry()
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
	} else if err == syscall.ENXIO {
		w.unready = append(w.unready, name)
		w.due = sys.Millis() + retryMillis
		w.end = max(w.end, w.due+retryMost)
	}
}

// retry opens the ports that were not ready.
func (w *watcher) retry() {
	if w == nil || w.due == 0 || sys.Millis() < w.due {
		return
	}
	names, end := w.unready, w.end
	w.unready, w.due = nil, 0
	for _, name := range names {
		w.open(name)
	}
	if w.end = end; sys.Millis() >= end {
		w.unready, w.due, w.end = nil, 0, 0
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
