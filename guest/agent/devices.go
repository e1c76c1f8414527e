package agent

import (
	"syscall"
	"unsafe"

	"smolvm/guest/sys"
)

// maxPorts bounds what a hostile device could make the agent open.
const maxPorts = 64

// Opening a port takes more than a millisecond under emulation, so all but the
// first are looked for after the first command has had time to start, and then
// opened one in a turn of the loop. A host that connects to one waits a little.
const restMillis = 500

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
	waiting []string // ports to open later, or again
	due     int64    // when the first of them is; 0: there is nothing to do
	end     int64    // when they are given up
	settled bool
}

// firstPort is where the first port of the first device is, if it is there.
const firstPort = "vport0p1"

// WatchPorts opens all ports in dir (/dev), now or when they appear. Looking
// through the folder takes some milliseconds under emulation, so if the first
// port is where it is on most machines, the rest has time.
func (l *Loop) WatchPorts(dir string) {
	w := &watcher{loop: l, dir: dir, fd: -1}
	l.watcher = w
	if w.open(firstPort); w.ports == 0 {
		w.begin()
	} else {
		w.due = sys.Millis() + restMillis
	}
}

// begin watches the folder and looks what is there already.
func (w *watcher) begin() {
	w.fd, _ = syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	syscall.InotifyAddWatch(w.fd, w.dir, syscall.IN_CREATE)
	w.loop.watch(w.fd, syscall.EPOLLIN|sys.EPOLLET, target{kind: kindDevices})
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
				w.found(cString(name))
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
			w.found(cString(name))
		}
	}
}

// found opens the first port at once and notes the others for later.
func (w *watcher) found(name string) {
	if !isPort(name) {
		return
	}
	if w.settled || w.ports == 0 {
		w.open(name)
	} else {
		w.wait(name, retryMillis)
	}
}

func (w *watcher) open(name string) {
	if w.ports >= maxPorts {
		return
	}
	fd, err := syscall.Open(w.dir+"/"+name, syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err == nil {
		w.ports++
		w.loop.AddPort(fd)
	} else if err == syscall.ENXIO {
		w.wait(name, retryMillis)
	}
}

func (w *watcher) wait(name string, millis int64) {
	due := sys.Millis() + millis
	w.waiting = append(w.waiting, name)
	w.due = earlier(w.due, due)
	w.end = max(w.end, due+retryMost)
}

// retry opens one of the ports that wait, if it is time.
func (w *watcher) retry() {
	if w == nil || w.due == 0 || sys.Millis() < w.due {
		return
	}
	w.due = 0
	if w.fd < 0 {
		w.begin()
	}
	if now := sys.Millis(); len(w.waiting) > 0 && now < w.end {
		name := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.open(name)
		if len(w.waiting) > 0 {
			w.due = now + retryMillis
			return
		}
	}
	w.waiting, w.end = nil, 0
	if settled := w.loop.host.Settled; settled != nil && !w.settled {
		settled()
	}
	w.settled = true
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
