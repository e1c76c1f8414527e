package tool

import "syscall"

const (
	maxKey  = 4 << 10
	maxKeys = 1 << 20
)

// authorize lets the owner of a public key in as the user of a home folder, once.
func authorize(encoded, home string) *failure {
	key, ok := decodeBase64(encoded)
	if key = oneLine(key); !ok || key == "" || len(key) > maxKey {
		return check(syscall.EINVAL, "authorize", "smolvm.authorized_key_b64 holds no key")
	}
	folder := home + "/.ssh"
	syscall.Mkdir(home, 0o700)
	if errno := errnoOf(syscall.Mkdir(folder, 0o700)); errno != 0 && errno != syscall.EEXIST {
		return check(errno, "mkdir", folder)
	}
	if errno := errnoOf(syscall.Chmod(folder, 0o700)); errno != 0 {
		return check(errno, "chmod", folder)
	}
	file := folder + "/authorized_keys"
	text, errno := readSmall(file, maxKeys)
	if errno != 0 && errno != syscall.ENOENT {
		return check(errno, "read", file)
	}
	if hasLine(text, key) {
		return check(errnoOf(syscall.Chmod(file, 0o600)), "chmod", file)
	}
	if text != "" && text[len(text)-1] != '\n' {
		text += "\n"
	}
	return replaceFile(file, text+key+"\n", 0o600)
}

// oneLine is a text without white space around it; empty if it is more than one
// line, or not all of it can be printed.
func oneLine(text string) string {
	for text != "" && text[0] <= ' ' {
		text = text[1:]
	}
	for text != "" && text[len(text)-1] <= ' ' {
		text = text[:len(text)-1]
	}
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' || text[i] > '~' {
			return ""
		}
	}
	return text
}

func hasLine(text, wanted string) bool {
	for text != "" {
		var one string
		one, text, _ = cutAt(text, '\n')
		if oneLine(one) == wanted {
			return true
		}
	}
	return false
}

// decodeBase64 reads the usual alphabet, with or without padding.
func decodeBase64(s string) (text string, ok bool) {
	for s != "" && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	var b []byte
	bits, have := uint32(0), 0
	for i := 0; i < len(s); i++ {
		n, valid := sextet(s[i])
		if !valid {
			return "", false
		}
		bits, have = bits<<6|n, have+6
		if have >= 8 {
			have -= 8
			b = append(b, byte(bits>>have))
		}
	}
	return string(b), len(s)%4 != 1
}

func sextet(c byte) (n uint32, ok bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return uint32(c - 'A'), true
	case c >= 'a' && c <= 'z':
		return uint32(c-'a') + 26, true
	case c >= '0' && c <= '9':
		return uint32(c-'0') + 52, true
	case c == '+':
		return 62, true
	case c == '/':
		return 63, true
	}
	return 0, false
}
