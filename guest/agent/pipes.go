package agent

import (
	"syscall"

	"smolvm/guest/frame"
	"smolvm/guest/request"
	"smolvm/guest/sys"
)

// pipePair is an unused pipe whose read end does not block.
type pipePair struct{ r, w int }

// readyPipes is how many output pipes are made ahead: those of one command.
const readyPipes = 2

// stockPipes makes pipes while the loop has nothing else to do, so that the
// next command need not wait for them.
func (l *Loop) stockPipes() {
	for len(l.pipes) < readyPipes {
		p, errno := outputPipe()
		if errno != 0 {
			return
		}
		l.pipes = append(l.pipes, p)
	}
}

func (l *Loop) takePipe() (pipePair, syscall.Errno) {
	if n := len(l.pipes); n > 0 {
		p := l.pipes[n-1]
		l.pipes = l.pipes[:n-1]
		return p, 0
	}
	return outputPipe()
}

func outputPipe() (pipePair, syscall.Errno) {
	r, w, errno := sys.Pipe()
	if errno == 0 {
		sys.Nonblock(r)
	}
	return pipePair{r, w}, errno
}

// makeFiles makes what the command's files 0, 1 and 2 are to be.
func (s *Stream) makeFiles(r *request.Exec, who *user, child *[3]int) *failure {
	null := s.loop.devNull
	*child = [3]int{null, null, null}
	s.outs = [2]output{
		{fd: -1, typ: frame.OutStdout, credit: uint64(r.OutCredit)},
		{fd: -1, typ: frame.OutStderr, credit: uint64(r.ErrCredit)},
	}
	what, errno := "pipe: ", syscall.Errno(0)
	if r.PTY {
		what, errno = "terminal: ", s.makeTerminal(r, who, child)
	} else {
		errno = s.makePipes(r, child)
	}
	if errno == 0 {
		return nil
	}
	s.closeChildEnds(child)
	s.closePipes()
	return &failure{errno, "spawn", what + errno.Error()}
}

// makePipes fills in the child's files. Only our own ends must not block.
func (s *Stream) makePipes(r *request.Exec, child *[3]int) syscall.Errno {
	for i := range s.outs {
		p, errno := s.loop.takePipe()
		if errno != 0 {
			return errno
		}
		s.outs[i].fd, child[i+1] = p.r, p.w
	}
	if r.Tool {
		sys.SetPipeSize(s.outs[0].fd, toolPipe)
	}
	if r.Stdin {
		in, out, errno := sys.Pipe()
		if errno != 0 {
			return errno
		}
		sys.Nonblock(out)
		child[0], s.stdin, s.window = in, out, stdinWindow
		if r.Tool {
			s.widen()
		}
	}
	return 0
}

// toolPipe is the size of a tool's pipes: files go through them, and each turn
// of the loop that moves little costs as much as one that moves a lot.
const toolPipe = 1 << 20

// widen lets the host send a tool more at a time.
func (s *Stream) widen() {
	if sys.SetPipeSize(s.stdin, toolPipe) {
		s.acked = toolPipe - stdinWindow // told with the next input that it takes
	}
}

func (s *Stream) closeChildEnds(child *[3]int) {
	for i, fd := range child {
		if fd != s.loop.devNull && (i == 0 || fd != child[0]) {
			sys.Close(fd)
		}
	}
}

func (s *Stream) closePipes() {
	s.closeOutput(&s.outs[0])
	s.closeOutput(&s.outs[1])
	s.closeStdin()
}

func (s *Stream) closeOutput(o *output) {
	if o.fd >= 0 {
		s.loop.close(o.fd)
		o.fd = -1
	}
}

func (s *Stream) closeStdin() {
	if s.stdin >= 0 {
		s.loop.close(s.stdin)
		s.stdin = -1
	}
}
