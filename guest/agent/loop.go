// Package agent serves the control ports: one event loop on one thread, all
// file descriptors non-blocking, all state owned by that thread.
package agent

import (
	"syscall"

	"smolvm/guest/sys"
)

// Version is reported in HELLO.
const Version = "0.1.0"

// Limits of the whole agent.
const (
	maxCommands  = 1024     // commands at once, in all sessions
	maxParts     = 4        // EXEC requests of several parts at once
	maxHeldStdin = 8 << 20  // input that commands have not taken, in agent memory
	stdinWindow  = 64 << 10 // per stream
	ctlHigh      = 32 << 10 // control bytes unsent: the port is not read meanwhile
	settleMillis = 3        // see settle
	greetTurns   = 3        // enough to read a HELLO and the zeros before it
	readsPerTurn = 4        // reads of one port before others have a turn
)

// Host is what the loop needs to know of the machine it runs on.
type Host struct {
	BootID  string
	RootErr string // why the root disk is not mounted; empty: all is well
	// NoMachine: power, clock and entropy of the machine are not ours.
	NoMachine bool
	// Alone looks whether no other process is left. nil: process 1 learns that
	// by reaping.
	Alone func() bool
	// Signal signals all processes but this one.
	Signal func(sig syscall.Signal)
	// PowerOff flushes the disks and ends the machine.
	PowerOff func()
	// Settled is called once, when nothing of the start is left to do.
	Settled func()
}

// Loop is the agent.
type Loop struct {
	host    Host
	epfd    int
	events  [64]syscall.EpollEvent
	targets []target // by file descriptor
	serial  int32

	active []*Port   // ports with work that needs no event
	spare  []*Port   // memory of the next active
	fresh  []*Stream // started a moment ago, see settle
	byPid  map[int]*Stream

	detached []*detached // oldest first
	pumps    []*detached // have more output than one turn takes

	hung   []*Port    // ports that look closed
	pipes  []pipePair // made ahead
	doomed []int      // files to close

	commands  int // processes started and not reaped
	parts     int // EXEC requests being put together
	heldStdin int // bytes of input held in memory

	devNull  int
	childFd  int
	jobs     jobs
	shutdown shutdown
	watcher  *watcher
	greeted  bool // a host has a session
	stdio    bool // the only port is stdin and stdout
	stopped  bool
	rbuf     [16 << 10]byte
}

// New makes a loop without ports.
func New(host Host) *Loop {
	l := &Loop{host: host, epfd: sys.EpollCreate(), byPid: map[int]*Stream{}}
	l.devNull, _ = syscall.Open("/dev/null", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	l.childFd = sys.NotifyChildren()
	l.jobs.fd = sys.EventFd()
	l.watch(l.childFd, syscall.EPOLLIN|sys.EPOLLET, target{kind: kindChild})
	l.watch(l.jobs.fd, syscall.EPOLLIN|sys.EPOLLET, target{kind: kindJobs})
	return l
}

// SetRootErr tells the outcome of mounting the root disk.
func (l *Loop) SetRootErr(why string) { l.host.RootErr = why }

// SetBootID tells the kernel's boot id.
func (l *Loop) SetBootID(id string) { l.host.BootID = id }

// Run serves until Stop. It must stay on one thread.
func (l *Loop) Run() {
	for !l.stopped {
		l.turn(l.timeout())
	}
}

// Greet answers hosts that wait already. Their first request is on its way
// while the rest of the machine is set up, and is not looked at before.
func (l *Loop) Greet() {
	for i := 0; i < greetTurns && !l.greeted; i++ {
		l.turn(0)
	}
}

func (l *Loop) turn(timeout int) {
	n := sys.EpollWait(l.epfd, l.events[:], timeout)
	if n < 0 { // a signal, most likely SIGCHLD: no need to wait for its event
		l.reap()
	}
	for i := 0; i < n; i++ {
		l.dispatch(&l.events[i])
	}
	l.settle()
	l.work()
	l.pumpRest()
	l.closeDoomed()
	l.watchShutdown()
	l.watchHangups()
	l.watcher.retry()
}

// timeout is how long the loop may sleep: for ever unless something is due.
func (l *Loop) timeout() int {
	if len(l.active) > 0 || len(l.pumps) > 0 {
		return 0
	}
	for len(l.fresh) > 0 && (l.fresh[0].exited || !l.fresh[0].open) {
		l.fresh = l.fresh[1:]
	}
	due := l.shutdown.due
	if len(l.fresh) > 0 {
		due = earlier(due, l.fresh[0].due)
	}
	if len(l.hung) > 0 {
		due = earlier(due, l.hung[0].hungUp)
	}
	if l.watcher != nil {
		due = earlier(due, l.watcher.due)
	}
	if l.shutdown.due != 0 && l.host.Alone != nil {
		due = earlier(due, sys.Millis()+aloneMillis)
	}
	if due == 0 {
		l.stockPipes()
		return -1
	}
	return int(max(due-sys.Millis(), 0)) + 1
}

// earlier returns the earlier of two times, of which 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// work gives each active port a turn: some reads, one write.
func (l *Loop) work() {
	ports := l.active
	l.active, l.spare = l.spare[:0], ports
	for _, p := range ports {
		p.active = false
		p.input()
		p.output()
		if p.busy() {
			p.activate()
		}
	}
}

// settle looks after commands that still run some milliseconds after their
// start. Most commands end before: their STARTED, output and EXIT leave in one
// write, their pipes never enter the epoll set and the loop wakes once for
// them, not three times.
func (l *Loop) settle() {
	if len(l.fresh) == 0 {
		return
	}
	now := sys.Millis()
	for len(l.fresh) > 0 && l.fresh[0].due <= now {
		s := l.fresh[0]
		l.fresh = l.fresh[1:]
		if s.open && !s.exited {
			s.announce()
			s.watchPipes()
		}
	}
	if len(l.fresh) == 0 {
		l.fresh = nil
	}
}
