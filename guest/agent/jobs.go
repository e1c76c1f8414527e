package agent

import (
	"sync/atomic"

	"smolvm/guest/frame"
	"smolvm/guest/sys"
)

const maxWaiters = 256

// waiter is a session that waits for a SYNC.
type waiter struct {
	port    *Port
	session uint64
	stream  uint32
}

// jobs flushes the disks off the loop, one flush at a time: in a process that
// makes this one call. Its end is seen like that of any child.
type jobs struct {
	fd      int // rung by Stop
	stop    atomic.Bool
	pid     int      // the flush under way; 0: none
	running []waiter // wait for the flush under way
	next    []waiter // came after it began and need another one
}

func (j *jobs) add(w waiter) bool {
	if len(j.running)+len(j.next) >= maxWaiters {
		return false
	}
	j.next = append(j.next, w)
	j.start()
	return true
}

func (j *jobs) start() {
	if j.pid != 0 || len(j.next) == 0 {
		return
	}
	j.pid = sys.SpawnSync()
	j.running, j.next = j.next, nil
	if j.pid <= 0 { // no process to be had: the loop has to wait
		sys.Sync()
		j.finish()
	}
}

// finish answers those who waited for the flush that has ended.
func (j *jobs) finish() {
	j.pid = 0
	for _, w := range j.running {
		if w.port.live && w.port.session == w.session {
			w.port.control(frame.OutOK, w.stream, nil)
		}
	}
	j.running = nil
	j.start()
}

// Stop ends Run. It may be called from any thread.
func (l *Loop) Stop() {
	l.jobs.stop.Store(true)
	sys.Ring(l.jobs.fd)
}
