package agent

import (
	"syscall"

	"smolvm/guest/frame"
	"smolvm/guest/sys"
)

// ackStep is how much input is taken before the host is told.
const ackStep = 16 << 10

// Stream is one command.
type Stream struct {
	loop *Loop
	port *Port
	id   uint32
	pid  int
	due  int64 // end of its time as a fresh command

	open      bool // has a stream of the protocol; false: to be reaped or attached
	announced bool // STARTED is queued
	queued    bool // is in port.run
	exited    bool
	terminal  bool // its files are a terminal, and outs[0] and stdin our end
	holder    bool // at exit, another process held an output pipe
	status    syscall.WaitStatus
	cpu, rss  uint64

	outs [2]output
	turn int

	stdin   int    // -1: none or closed
	held    []byte // input that the pipe did not take yet
	window  int    // bytes the host may still send
	acked   int    // bytes taken and not yet credited
	lastIn  bool   // the host has ended the input
	inWatch bool

	typedEnd bool // the last byte from the host ends the input of a terminal

	detached *detached // nil: the command ends with the session
}

// announce queues STARTED, once.
func (s *Stream) announce() {
	if !s.announced {
		s.announced = true
		s.port.control(frame.OutStarted, s.id, frame.AppendU32(nil, uint32(s.pid)))
	}
}

func (s *Stream) watchPipes() {
	for i := range s.outs {
		if o := &s.outs[i]; o.fd >= 0 {
			s.loop.watch(o.fd, syscall.EPOLLIN|sys.EPOLLET, target{kind: kindOutput, stream: s, output: o})
		}
	}
}

// write takes input from the host. False: the host has sent more than the
// window lets it.
func (s *Stream) write(data []byte, last bool) bool {
	if s.lastIn || s.stdin < 0 && s.window == 0 {
		return true // crossed with the end of the input or never asked for
	}
	if len(data) > s.window {
		return false
	}
	s.window -= len(data)
	if s.terminal {
		data = s.typeEnd(data, last)
	} else {
		s.lastIn = last
	}
	if len(s.held) == 0 {
		data = data[s.push(data):]
	}
	if len(data) > 0 {
		s.held = append(s.held, data...)
		s.loop.heldStdin += len(data)
		s.watchStdin()
	}
	s.endInput()
	return true
}

// push writes to the command's input and counts what is gone. When nobody
// reads any more the rest is thrown away, so that the host does not wait.
func (s *Stream) push(data []byte) int {
	done := 0
	for done < len(data) {
		n := -int(syscall.EPIPE)
		if s.stdin >= 0 {
			n = sys.Write(s.stdin, data[done:])
		}
		if n == -int(syscall.EAGAIN) {
			break
		}
		if n < 0 {
			s.closeStdin()
			n = len(data) - done
		}
		done += n
	}
	s.ack(done)
	return done
}

// feed goes on with held input when the pipe has room.
func (s *Stream) feed() {
	n := s.push(s.held)
	s.loop.release(n)
	s.held = s.held[n:]
	if len(s.held) == 0 {
		s.held = nil
	}
	s.endInput()
}

func (s *Stream) endInput() {
	if s.lastIn && len(s.held) == 0 {
		s.closeStdin()
	}
}

func (s *Stream) ack(n int) {
	s.acked += n
	if s.acked >= ackStep && !s.lastIn && s.open {
		s.window += s.acked
		s.port.control(frame.OutCredit, s.id, frame.AppendU32([]byte{0}, uint32(s.acked)))
		s.acked = 0
	}
}

func (s *Stream) watchStdin() {
	if s.stdin >= 0 && !s.inWatch {
		s.inWatch = true
		s.loop.watch(s.stdin, syscall.EPOLLOUT|sys.EPOLLET, target{kind: kindStdin, stream: s})
	}
}
