package tool

func join(dir, name string) string {
	switch {
	case dir == "" || name == "":
		return dir + name
	case dir[len(dir)-1] == '/':
		return dir + name
	}
	return dir + "/" + name
}

// trim takes slashes off the end, but for the one that is the root.
func trim(path string) string {
	for len(path) > 1 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}

// split parts a path into the folder to open and the name in it. The name is
// empty for the root folder and for a path that ends in a slash.
func split(path string) (dir, name string) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i+1], path[i+1:]
		}
	}
	return ".", path
}
