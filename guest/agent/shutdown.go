package agent

import (
	"syscall"

	"smolvm/guest/sys"
)

// killMillis is how long processes may take to die of SIGKILL: one that hangs
// in the kernel must not hold up the end.
const killMillis = 2000

// aloneMillis is how often an agent that is not process 1 looks whether all
// others have ended: their end is told to process 1.
const aloneMillis = 20

type stage byte

const (
	stageNone stage = iota
	stageTerm       // SIGTERM is sent, processes may end
	stageKill       // SIGKILL is sent
	stageOff        // nothing is left to do but flush and power off
)

// shutdown is the state of a SHUTDOWN; the loop goes on meanwhile.
type shutdown struct {
	stage stage
	due   int64 // when the stage ends at the latest; 0: nothing is due
	alone bool  // no other process is left
}

func (l *Loop) beginShutdown(graceMillis uint32) {
	if l.shutdown.stage != stageNone {
		return
	}
	l.shutdown.stage = stageTerm
	l.shutdown.due = sys.Millis() + int64(graceMillis)
	l.host.Signal(syscall.SIGTERM)
	l.host.Signal(syscall.SIGCONT) // a stopped process cannot end
	l.reap()
}

// watchShutdown goes to the next stage when all processes are gone or the
// time is up.
func (l *Loop) watchShutdown() {
	d := &l.shutdown
	if d.due == 0 {
		return
	}
	if l.host.Alone != nil {
		d.alone = l.host.Alone()
	}
	if !d.alone && sys.Millis() < d.due {
		return
	}
	if d.stage == stageTerm && !d.alone {
		d.stage = stageKill
		d.due = sys.Millis() + killMillis
		l.host.Signal(syscall.SIGKILL)
		l.reap()
		return
	}
	d.stage, d.due = stageOff, 0
	l.host.PowerOff()
}
