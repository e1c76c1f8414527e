// Package passwd finds a user in the text of /etc/passwd and /etc/group. It
// does no I/O and keeps nothing.
package passwd

// User is who a command runs as.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary
	Home   string
}

// maxGroups is the kernel's bound would be 65,536; nobody needs that many.
const maxGroups = 256

// Find resolves "name", "uid", "name:group" or "uid:gid". A number need not be
// listed; its group is then 0, as with container engines. A group that is
// given stands alone, otherwise the supplementary groups of the name are read.
func Find(spec, passwd, group string) (u User, why string) {
	who, grp, hasGroup := cut(spec, ':')
	entry, found := lookup(passwd, who)
	uid, isNumber := number(who)
	switch {
	case found:
		u = entry
	case isNumber:
		u = User{Name: who, UID: uid, Home: "/"}
	default:
		return u, "no user " + who + " in /etc/passwd"
	}
	if !hasGroup {
		if found {
			u.Groups = memberships(group, u.Name)
		}
		return u, ""
	}
	gid, ok := groupID(group, grp)
	if !ok {
		return u, "no group " + grp + " in /etc/group"
	}
	u.GID = gid
	return u, ""
}

// lookup finds the entry by name, else by number.
func lookup(text, who string) (u User, found bool) {
	uid, isNumber := number(who)
	for len(text) > 0 {
		var line string
		line, text, _ = cut(text, '\n')
		f := fields(line)
		id, ok := number(f[2])
		gid, ok2 := number(f[3])
		if !ok || !ok2 || f[0] == "" {
			continue
		}
		if f[0] == who || isNumber && !found && id == uid {
			u, found = User{Name: f[0], UID: id, GID: gid, Home: f[5]}, true
			if f[0] == who {
				return u, true
			}
		}
	}
	return u, found
}

func groupID(text, who string) (uint32, bool) {
	for len(text) > 0 {
		var line string
		line, text, _ = cut(text, '\n')
		f := fields(line)
		if gid, ok := number(f[2]); ok && f[0] == who && who != "" {
			return gid, true
		}
	}
	return number(who)
}

// memberships lists the groups that name the user as a member.
func memberships(text, user string) (ids []uint32) {
	for len(text) > 0 && len(ids) < maxGroups {
		var line string
		line, text, _ = cut(text, '\n')
		f := fields(line)
		gid, ok := number(f[2])
		for members := f[3]; ok && members != ""; {
			var m string
			if m, members, _ = cut(members, ','); m == user {
				ids = append(ids, gid)
				break
			}
		}
	}
	return ids
}

// fields splits a line at colons; what is missing is empty.
func fields(line string) (f [7]string) {
	more := true
	for i := 0; i < len(f) && more; i++ {
		f[i], line, more = cut(line, ':')
	}
	return f
}

func cut(s string, sep byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// number reads a decimal id; -1 (2^32-1) means "no change" to the kernel and
// is no id.
func number(s string) (uint32, bool) {
	if s == "" || len(s) > 10 {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return uint32(n), n < 1<<32-1
}
