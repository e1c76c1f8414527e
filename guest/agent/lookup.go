package agent

import (
	"syscall"

	"smolvm/guest/request"
	"smolvm/guest/sys"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment adds what every command is owed and the host did not name.
func environment(r *request.Exec, who *user) []string {
	env := orDefault(r.Env, "PATH", defaultPath)
	if r.PTY {
		env = orDefault(env, "TERM", defaultTerm)
	}
	env = orDefault(env, "HOME", who.home)
	env = orDefault(env, "USER", who.name)
	return orDefault(env, "LOGNAME", who.name)
}

func orDefault(env []string, name, value string) []string {
	if _, found := getenv(env, name); found {
		return env
	}
	return append(env, name+"="+value)
}

func getenv(env []string, name string) (string, bool) {
	for _, kv := range env {
		if len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			return kv[len(name)+1:], true
		}
	}
	return "", false
}

// lookPath finds the program in PATH as execvp would; a name with a slash is
// taken as it is.
func lookPath(name string, env []string, cwd string) (string, *failure) {
	if hasSlash(name) {
		return name, nil
	}
	path, _ := getenv(env, "PATH")
	denied := false
	for more := true; more; {
		var dir string
		dir, path, more = cutColon(path)
		full := join(absolute(dir, cwd), name)
		var st syscall.Stat_t
		if syscall.Stat(full, &st) != nil {
			continue
		}
		if st.Mode&syscall.S_IFMT == syscall.S_IFREG && st.Mode&0111 != 0 {
			return full, nil
		}
		denied = true
	}
	if denied {
		return "", &failure{syscall.EACCES, "notExecutable", name + ": found in PATH but not executable"}
	}
	return "", &failure{syscall.ENOENT, "notFound", name + ": not found in PATH"}
}

// explain turns the step and errno of a failed start into what the host is
// told. ENOENT of execve means a missing program or a missing interpreter.
func explain(step int, errno syscall.Errno, path, cwd string) *failure {
	switch step {
	case sys.StepDir:
		return &failure{errno, "badCwd", cwd + ": " + errno.Error()}
	case sys.StepUser:
		return &failure{errno, "badUser", "change of user: " + errno.Error()}
	case sys.StepSelf:
		return &failure{errno, "spawn", "new process: " + errno.Error()}
	}
	switch errno {
	case syscall.ENOENT, syscall.ENOTDIR:
		var st syscall.Stat_t
		full := absolute(path, cwd)
		if syscall.Stat(full, &st) == nil {
			return &failure{errno, "notFound", path + ": " + missingLoader(full)}
		}
		return &failure{errno, "notFound", path + ": " + errno.Error()}
	case syscall.EACCES, syscall.ENOEXEC, syscall.EPERM, syscall.EISDIR, syscall.ELIBBAD:
		return &failure{errno, "notExecutable", path + ": " + errno.Error()}
	}
	return &failure{errno, "spawn", path + ": " + errno.Error()}
}

// missingLoader says which interpreter a program that exists lacks.
func missingLoader(path string) string {
	var b [256]byte
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err == nil {
		n := sys.Read(fd, b[:])
		sys.Close(fd)
		if n > 2 && b[0] == '#' && b[1] == '!' {
			return "its interpreter " + firstWord(string(b[2:n])) + " is not found"
		}
	}
	return "its dynamic loader is not found"
}

func firstWord(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}

func cutColon(s string) (before, after string, more bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == ':' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func hasSlash(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '/' {
			return true
		}
	}
	return false
}

func absolute(path, cwd string) string {
	if path == "" {
		return cwd
	}
	if path[0] == '/' {
		return path
	}
	return join(cwd, path)
}

func join(dir, name string) string {
	if dir[len(dir)-1] == '/' {
		return dir + name
	}
	return dir + "/" + name
}
