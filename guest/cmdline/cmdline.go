// Package cmdline reads what concerns the agent from the kernel command line.
package cmdline

// Options are the words of the command line that the agent knows.
type Options struct {
	Root      string // root= : the device to mount as /; empty: stay in the initramfs
	FSType    string // rootfstype=
	RootFlags string // rootflags=
	Writable  bool   // rw (the kernel's own default is ro)
	Hostname  string // smolvm.hostname=
	ACPI      bool   // smolvm.poweroff=acpi : power off by ACPI, not by a reset
}

// Parse splits the line at white space outside double quotes, as the kernel
// does. The last of several settings counts.
func Parse(line string) Options {
	o := Options{FSType: "ext4"}
	for len(line) > 0 {
		var word string
		word, line = next(line)
		key, value := cut(word)
		switch key {
		case "root":
			o.Root = value
		case "rootfstype":
			o.FSType = value
		case "rootflags":
			o.RootFlags = value
		case "rw":
			o.Writable = true
		case "ro":
			o.Writable = false
		case "smolvm.hostname":
			o.Hostname = value
		case "smolvm.poweroff":
			o.ACPI = value == "acpi"
		}
	}
	return o
}

func next(line string) (word, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ' ', '\t', '\n':
			if !quoted {
				return line[:i], line[i+1:]
			}
		}
	}
	return line, ""
}

// cut parts key=value and takes the quotes off ("key=v" and key="v").
func cut(word string) (key, value string) {
	if len(word) > 1 && word[0] == '"' && word[len(word)-1] == '"' {
		word = word[1 : len(word)-1]
	}
	for i := 0; i < len(word); i++ {
		if word[i] == '=' {
			value = word[i+1:]
			if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
				value = value[1 : n-1]
			}
			return word[:i], value
		}
	}
	return word, ""
}
