package tool

const maxMode = 0o7777

// decimal reads a number that is not negative.
func decimal(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// amount reads a number, or -1 for one that is not known.
func amount(s string) (int64, bool) {
	if s == "-1" {
		return -1, true
	}
	return decimal(s)
}

// noMode stands for a mode that is not given.
const noMode = -1

// octal reads permission bits, or noMode.
func octal(s string) (mode int, ok bool) {
	if s == "-" {
		return noMode, true
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '7' || mode > maxMode {
			return 0, false
		}
		mode = mode<<3 | int(s[i]-'0')
	}
	return mode, s != "" && mode <= maxMode
}

// letters is a set of flags.
type letters uint32

// flags reads letters of those that are allowed, or "-" for none.
func flags(s, allowed string) (set letters, ok bool) {
	if s == "-" {
		return 0, true
	}
	for i := 0; i < len(s); i++ {
		if !contains(allowed, s[i]) {
			return 0, false
		}
		set |= 1 << (s[i] - 'a')
	}
	return set, true
}

func (set letters) has(letter byte) bool { return set&(1<<(letter-'a')) != 0 }

func contains(s string, b byte) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == b {
			return true
		}
	}
	return false
}

func itoa(n int64) string {
	if n < 0 {
		return "-" + itoa(-n)
	}
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
