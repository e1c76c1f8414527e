package agent

import (
	"syscall"

	"smolvm/guest/frame"
	"smolvm/guest/request"
	"smolvm/guest/sys"
)

const (
	defaultTerm = "xterm-256color"
	// terminalMost bounds what is read of a terminal after the command's end.
	// The kernel keeps less for it, but in several places that no call counts.
	terminalMost = 64 << 10
)

// makeTerminal makes the child's files one terminal. Input has a descriptor of
// its own, as a pipe has, so that it can be watched and closed like one.
func (s *Stream) makeTerminal(r *request.Exec, who *user, child *[3]int) syscall.Errno {
	ours, theirs, errno := sys.OpenTerminal()
	if errno != 0 {
		return errno
	}
	s.terminal = true
	s.outs[0].fd = ours
	*child = [3]int{theirs, theirs, theirs}
	if res := sys.Resize(ours, r.Rows, r.Columns); res < 0 {
		return syscall.Errno(-res)
	}
	if who.cred != nil {
		if err := syscall.Fchown(theirs, int(who.cred.Uid), -1); err != nil {
			return sys.Errno(err)
		}
	}
	if !r.Stdin {
		return 0
	}
	in := sys.Dup(ours)
	if in < 0 {
		return syscall.Errno(-in)
	}
	s.stdin, s.window = in, stdinWindow
	return 0
}

// typeEnd adds the character that ends the input of a terminal to what the
// host has sent. The character is not part of the window: the byte that will be
// acknowledged for it is taken off first. While the terminal takes nothing, two
// in a row count as one, so that frames without data cannot pile up.
func (s *Stream) typeEnd(data []byte, last bool) []byte {
	again := s.typedEnd && len(data) == 0 && len(s.held) > 0
	s.typedEnd = last || again
	if !last || again {
		return data
	}
	char := sys.EndOfInput(s.outs[0].fd)
	if char == 0 {
		return data
	}
	s.acked--
	return append(data[:len(data):len(data)], char)
}

func (p *Port) resize(f *frame.Frame) (why string) {
	rows, columns, ok := request.ParseResize(f.Payload)
	if !ok {
		return "malformed RESIZE"
	}
	if s := p.streams[f.Stream]; s != nil && s.terminal && s.outs[0].fd >= 0 {
		sys.Resize(s.outs[0].fd, rows, columns)
	}
	return ""
}
