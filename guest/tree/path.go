package tree

// ValidPath tells whether a path that is not the root's stays in its tree and
// within the bounds.
func ValidPath(path string) bool {
	if len(path) > MaxPath {
		return false
	}
	depth := 0
	for more := true; more; {
		var name string
		name, path, more = cutSlash(path)
		depth++
		if name == "" || name == "." || name == ".." || depth > MaxDepth || hasNUL(name) {
			return false
		}
	}
	return true
}

func cutSlash(path string) (name, rest string, more bool) {
	for i := 0; i < len(path); i++ {
		if path[i] == '/' {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}

func hasNUL(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return true
		}
	}
	return false
}

// seen knows the paths of a stream by 8 bytes each, so that a million of them
// fit in memory. Two paths of one hash would pass for one: the stream fails, or
// a record is taken whose folder is not there, and the kernel refuses it.
type seen struct {
	seed    uint64
	folders int
	numbers map[uint64]int32 // of folders; notFolder for all else
}

const notFolder = -1

// hash is FNV-1a from a start that the sender does not know.
func (s *seen) hash(path string) uint64 {
	h := s.seed ^ 14695981039346656037
	for i := 0; i < len(path); i++ {
		h = (h ^ uint64(path[i])) * 1099511628211
	}
	return h
}

// add notes a path and returns its parent. False: there is no such parent, or
// the path was there before.
func (s *seen) add(path string, isFolder bool) (parent int, ok bool) {
	if path != "" {
		dir, _ := Split(path)
		number, found := s.numbers[s.hash(dir)]
		if !found || number == notFolder {
			return 0, false
		}
		parent = int(number)
	}
	key := s.hash(path)
	if _, found := s.numbers[key]; found {
		return 0, false
	}
	number := int32(notFolder)
	if isFolder {
		number = int32(s.folders)
		s.folders++
	}
	s.numbers[key] = number
	return parent, true
}
