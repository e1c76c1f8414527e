package tool

import "syscall"

// mkdir makes a folder.
func mkdir(args []string) *failure {
	if len(args) != 3 {
		return badUsage
	}
	path := args[0]
	mode, ok := octal(args[1])
	set, ok2 := flags(args[2], "p")
	if !ok || !ok2 {
		return badUsage
	}
	if mode == noMode {
		mode = newFolder
	}
	if set.has('p') {
		if f := makeParents(path); f != nil {
			return f
		}
	}
	errno := mkdirAt(atCwd, path, uint32(mode))
	if errno == syscall.EEXIST && set.has('p') {
		if st, e := statAt(atCwd, path, 0); e == 0 && isFolder(st.Mode) {
			return nil
		}
	}
	// mkdir itself takes no setuid and setgid bits.
	if errno == 0 && mode > 0o1777 {
		return check(chmodAt(atCwd, path, uint32(mode)), "chmod", path)
	}
	return check(errno, "mkdir", path)
}

// newFolder is the mode of folders that are made on the way.
const newFolder = 0o755

// makeParents makes the folders above a path that are missing.
func makeParents(path string) *failure {
	path = trim(path)
	if dir, _ := split(path); exists(dir) {
		return nil
	}
	for i := 1; i < len(path); i++ {
		if path[i] != '/' || path[i-1] == '/' {
			continue
		}
		// What is there but is no folder shows in the next step.
		if errno := mkdirAt(atCwd, path[:i], newFolder); errno != 0 && errno != syscall.EEXIST && !exists(path[:i]) {
			return check(errno, "mkdir", path[:i])
		}
	}
	return nil
}

func exists(path string) bool {
	_, errno := statAt(atCwd, path, 0)
	return errno == 0
}

// rename gives a file another name.
func rename(args []string) *failure {
	if len(args) != 3 {
		return badUsage
	}
	set, ok := flags(args[2], "x")
	if !ok {
		return badUsage
	}
	var how int
	if set.has('x') {
		how = noReplace
	}
	return check(renameAt(atCwd, args[0], atCwd, args[1], how), "rename", args[0])
}

// chmod sets the permission bits of what a path names.
func chmod(args []string) *failure {
	if len(args) != 2 {
		return badUsage
	}
	mode, ok := octal(args[1])
	if !ok || mode == noMode {
		return badUsage
	}
	return check(chmodAt(atCwd, args[0], uint32(mode)), "chmod", args[0])
}
