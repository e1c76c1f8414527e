package agent

import (
	"syscall"

	"smolvm/guest/frame"
	"smolvm/guest/request"
	"smolvm/guest/sys"
)

// failure is why a command did not start.
type failure struct {
	errno   syscall.Errno
	code    string
	message string
}

// spawn starts a command and opens its stream. Pipes and fork come in one go;
// the loop's thread waits in vfork until the new program is loaded.
func (p *Port) spawn(id uint32, r *request.Exec) *failure {
	who, fail := findUser(r.User)
	if fail != nil {
		return fail
	}
	env := environment(r.Env, who)
	cwd := r.Cwd
	if cwd == "" {
		cwd = "/"
	}
	path, fail := lookPath(r.Argv[0], env, cwd)
	if fail != nil {
		return fail
	}
	s := &Stream{port: p, id: id, stdin: -1}
	child, errno := s.makePipes(r)
	if errno != 0 {
		return &failure{errno, "spawn", "pipe: " + errno.Error()}
	}
	attr := syscall.ProcAttr{Env: env, Files: child[:], Sys: &syscall.SysProcAttr{Setsid: true, Credential: who.cred}}
	if cwd != "/" {
		attr.Dir = cwd
	}
	pid, err := syscall.ForkExec(path, r.Argv, &attr)
	for i, fd := range child {
		if i > 0 || r.Stdin {
			sys.Close(int(fd))
		}
	}
	if err != nil {
		s.closePipes()
		return explain(sys.Errno(err), path, cwd, who.cred)
	}
	s.pid = pid
	p.opened(s)
	return nil
}

// opened registers the stream of a command that runs.
func (p *Port) opened(s *Stream) {
	l := p.loop
	s.open = true
	s.due = sys.Millis() + settleMillis
	p.streams[s.id] = s
	l.byPid[s.pid] = s
	l.commands++
	l.fresh = append(l.fresh, s)
}

// makePipes returns the child's ends. Only our ends must not block.
func (s *Stream) makePipes(r *request.Exec) (child [3]uintptr, errno syscall.Errno) {
	s.outs = [2]output{
		{fd: -1, typ: frame.OutStdout, credit: uint64(r.OutCredit)},
		{fd: -1, typ: frame.OutStderr, credit: uint64(r.ErrCredit)},
	}
	child[0] = uintptr(s.port.loop.devNull)
	var made [3]int
	for i := range made {
		made[i] = -1
	}
	for i := range s.outs {
		if errno == 0 {
			s.outs[i].fd, made[i+1], errno = pipe()
			child[i+1] = uintptr(made[i+1])
		}
	}
	if r.Stdin && errno == 0 {
		var in int
		if in, s.stdin, errno = sys.Pipe(); errno == 0 {
			made[0], child[0] = in, uintptr(in)
			sys.Nonblock(s.stdin)
			s.window = stdinWindow
		}
	}
	if errno == 0 {
		return child, 0
	}
	for _, fd := range made {
		if fd >= 0 {
			sys.Close(fd)
		}
	}
	s.closePipes()
	return child, errno
}

func pipe() (r, w int, errno syscall.Errno) {
	if r, w, errno = sys.Pipe(); errno != 0 {
		return -1, -1, errno
	}
	sys.Nonblock(r)
	return r, w, 0
}

func (s *Stream) closePipes() {
	s.closeOutput(&s.outs[0])
	s.closeOutput(&s.outs[1])
	s.closeStdin()
}
