package agent

import (
	"runtime"
	"syscall"

	"smolvm/guest/request"
	"smolvm/guest/sys"
	"smolvm/guest/tool"
)

// failure is why a command did not start.
type failure struct {
	errno   syscall.Errno
	code    string
	message string
}

// spawn starts a command and opens its stream. The loop's thread waits in
// vfork until the new program is loaded.
func (p *Port) spawn(id uint32, r *request.Exec) *failure {
	who, fail := findUser(r.User)
	if fail != nil {
		return fail
	}
	env := environment(r, who)
	cwd := r.Cwd
	if cwd == "" {
		cwd = "/"
	}
	path, argv := tool.Name, r.Argv
	if r.Tool {
		argv = append([]string{tool.Name}, argv...)
	} else if path, fail = lookPath(r.Argv[0], env, cwd); fail != nil {
		return fail
	}
	s := &Stream{loop: p.loop, port: p, id: id, stdin: -1}
	c := sys.Command{Cred: who.cred, Terminal: r.PTY, Self: r.Tool}
	if fail := s.makeFiles(r, who, &c.Files); fail != nil {
		return fail
	}
	// None of these strings has a NUL in it: no error can come.
	c.Path, _ = syscall.BytePtrFromString(path)
	c.Argv, _ = syscall.SlicePtrFromStrings(argv)
	c.Envv, _ = syscall.SlicePtrFromStrings(env)
	if cwd != "/" {
		c.Dir, _ = syscall.BytePtrFromString(cwd)
	}
	pid, step, errno := sys.Spawn(&c)
	runtime.KeepAlive(&c)
	s.closeChildEnds(&c.Files)
	if errno != 0 {
		s.closePipes()
		return explain(step, errno, path, cwd)
	}
	s.pid = pid
	if r.Detached != "" {
		p.loop.keep(s, r)
	}
	p.opened(s)
	return nil
}

// opened registers the stream of a command that runs.
func (p *Port) opened(s *Stream) {
	l := p.loop
	s.open = true
	p.streams[s.id] = s
	l.byPid[s.pid] = s
	l.commands++
	if s.detached != nil { // it must be watched even if its session ends now
		s.announce()
		s.watchPipes()
		return
	}
	s.due = sys.Millis() + settleMillis
	l.fresh = append(l.fresh, s)
}
