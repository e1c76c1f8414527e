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

	Ours bool // there is a word for us: this is a machine of smolvm

	Address      string // ip= : as the kernel documents it (nfsroot)
	GuestNetwork bool   // smolvm.network=guest : the image brings its network up itself
	DNS          string // smolvm.dns=
	Key          string // smolvm.authorized_key_b64= : public key that root lets in
	SSHD         bool   // smolvm.sshd=1
}

// Services tells whether something is to be done beside the control channel.
func (o *Options) Services() bool {
	return o.Address != "" || o.GuestNetwork || o.Key != "" || o.SSHD
}

// Parse splits the line at white space outside double quotes, as the kernel
// does. The last of several settings counts.
func Parse(line string) Options {
	o := Options{FSType: "ext4"}
	for len(line) > 0 {
		var word string
		word, line = next(line)
		key, value := cut(word)
		if len(key) > len(prefix) && key[:len(prefix)] == prefix {
			o.Ours = true
		}
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
		case "ip":
			o.Address = value
		case "smolvm.network":
			o.GuestNetwork = value == "guest"
		case "smolvm.dns":
			o.DNS = value
		case "smolvm.authorized_key_b64":
			o.Key = value
		case "smolvm.sshd":
			o.SSHD = value == "1"
		}
	}
	return o
}

const prefix = "smolvm."

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
