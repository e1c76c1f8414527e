package tool

// parseIPv4 reads a dotted address.
func parseIPv4(s string) (ip [4]byte, ok bool) {
	for i := range ip {
		part, rest, more := cutAt(s, '.')
		n, valid := decimal(part)
		octal := len(part) > 1 && part[0] == '0' // to some programs: so to none
		if !valid || octal || n > 255 || more != (i < len(ip)-1) {
			return ip, false
		}
		ip[i], s = byte(n), rest
	}
	return ip, true
}

// parseIPv6 reads an address with at most one "::" and maybe a dotted end.
func parseIPv6(s string) (ip [16]byte, ok bool) {
	n, gap := 0, -1
	if len(s) >= 2 && s[:2] == "::" {
		gap, s = 0, s[2:]
		if s == "" {
			return ip, true
		}
	}
	for more := true; more; {
		var part string
		whole := s
		part, s, more = cutAt(s, ':')
		if four, isFour := parseIPv4(whole); isFour && n <= 12 {
			n += copy(ip[n:], four[:])
			s, more = "", false
			continue
		}
		if part == "" && gap < 0 && n > 0 && more { // the second colon of "::"
			gap = n
			if s == "" {
				break
			}
			continue
		}
		word, valid := hex16(part)
		if !valid || n > 14 {
			return ip, false
		}
		ip[n], ip[n+1] = byte(word>>8), byte(word)
		n += 2
	}
	if gap < 0 || n == len(ip) {
		return ip, gap < 0 && n == len(ip)
	}
	// What stands behind the gap belongs at the end.
	moved := n - gap
	copy(ip[len(ip)-moved:], ip[gap:n])
	clear(ip[gap : len(ip)-moved])
	return ip, true
}

func hex16(s string) (n uint16, ok bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | uint16(c)
	}
	return n, len(s) >= 1 && len(s) <= 4
}

func cutAt(s string, sep byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// port reads a TCP port.
func port(s string) (int, bool) {
	n, ok := decimal(s)
	return int(n), ok && n >= 1 && n <= 65535
}
