package agent

import (
	"sync/atomic"
	"syscall"

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

// jobs flushes the disks off the loop, one flush at a time: a goroutine with a
// thread of its own, which rings fd at its end.
type jobs struct {
	fd      int
	done    atomic.Bool
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
	if len(j.running) > 0 || len(j.next) == 0 {
		return
	}
	j.running, j.next = j.next, nil
	go func() {
		syscall.Sync()
		j.done.Store(true)
		sys.Ring(j.fd)
	}()
}

// Stop ends Run. It may be called from any thread.
func (l *Loop) Stop() {
	l.shutdown.stop.Store(true)
	sys.Ring(l.jobs.fd)
}

func (l *Loop) finishJobs() {
	if l.shutdown.stop.Load() {
		l.stopped = true
	}
	j := &l.jobs
	if !j.done.Swap(false) {
		return
	}
	for _, w := range j.running {
		if w.port.live && w.port.session == w.session {
			w.port.control(frame.OutOK, w.stream, nil)
		}
	}
	j.running = nil
	j.start()
}
