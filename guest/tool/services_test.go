package tool

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]address{
		"10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off": {[4]byte{10, 0, 2, 15}, [4]byte{10, 0, 2, 2}, [4]byte{255, 255, 255, 0}, true, "eth0"},
		"172.16.0.2::172.16.0.1:255.255.0.0::eth1:off":   {[4]byte{172, 16, 0, 2}, [4]byte{172, 16, 0, 1}, [4]byte{255, 255, 0, 0}, true, "eth1"},
		"10.0.0.1":                         {client: [4]byte{10, 0, 0, 1}, mask: [4]byte{255, 255, 255, 0}, device: "eth0"},
		"10.0.0.1:::255.0.255.0::eth0:off": {client: [4]byte{10, 0, 0, 1}, mask: [4]byte{255, 255, 255, 0}, device: "eth0"},
		"10.0.0.1:::255.255.255.255:::":    {client: [4]byte{10, 0, 0, 1}, mask: [4]byte{255, 255, 255, 255}, device: "eth0"},
	} {
		if got, ok := parseAddress(text); !ok || got != want {
			t.Errorf("%q: %+v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "dhcp", "off", ":::::eth0:dhcp", "300.0.0.1"} {
		if got, ok := parseAddress(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestDecodeBase64(t *testing.T) {
	for _, text := range []string{"", "a", "ab", "abc", "abcd", "\x00\xff\xfe?>", strings.Repeat("key ", 100)} {
		for _, encoded := range []string{base64.StdEncoding.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text))} {
			if got, ok := decodeBase64(encoded); !ok || got != text {
				t.Errorf("%q: %q %v", encoded, got, ok)
			}
		}
	}
	for _, text := range []string{"a", "ab*d", "YQ==YQ==", "YQ \n"} {
		if got, ok := decodeBase64(text); ok {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestAuthorize(t *testing.T) {
	home := scratch(t)
	file := filepath.Join(home, ".ssh/authorized_keys")
	encode := func(key string) string { return base64.StdEncoding.EncodeToString([]byte(key)) }
	const first, second = "ssh-ed25519 AAAA first", "ssh-ed25519 BBBB second"
	for _, key := range []string{first, " " + first + "\n", first} {
		if f := authorize(encode(key), home); f != nil {
			t.Fatal(f.text())
		}
		if got := get(t, file); got != first+"\n" {
			t.Fatalf("%q", got)
		}
	}
	must(t, os.WriteFile(file, []byte(first), 0o644)) // no line end, and too open
	if f := authorize(encode(second), home); f != nil || get(t, file) != first+"\n"+second+"\n" {
		t.Fatalf("%+v %q", f, get(t, file))
	}
	if modeOf(t, file) != 0o600 || modeOf(t, filepath.Dir(file)) != 0o700 {
		t.Fatalf("%o %o", modeOf(t, file), modeOf(t, filepath.Dir(file)))
	}
	for _, bad := range []string{"", "!", encode("two\nlines"), encode("\x01"), encode(strings.Repeat("x", maxKey+1))} {
		if f := authorize(bad, home); f == nil || f.errno != syscall.EINVAL {
			t.Errorf("%q: %+v", bad, f)
		}
	}
}

func TestHostKey(t *testing.T) {
	dir := scratch(t)
	path := filepath.Join(dir, "key")
	made := 0
	generate := func(fresh string) *failure {
		made++
		put(t, fresh+".pub", "ssh-ed25519 AAAA\n", 0o644)
		put(t, fresh, "secret", 0o600)
		return nil
	}
	for range 2 {
		if public, f := hostKey(path, generate); f != nil || public != "ssh-ed25519 AAAA" {
			t.Fatalf("%+v %q", f, public)
		}
	}
	if made != 1 {
		t.Fatalf("made %d times", made)
	}
	if _, f := hostKey(filepath.Join(dir, "other"), func(string) *failure { return check(syscall.EIO, "exit", "keygen") }); f == nil {
		t.Fatal("a failure of the generator was swallowed")
	}
}

func TestNamesServer(t *testing.T) {
	for text, want := range map[string]bool{"": false, "# nameserver\nsearch x\n": false, "search x\nnameserver 1.1.1.1": true} {
		if namesServer(text) != want {
			t.Errorf("%q", text)
		}
	}
}

func TestServicesIsForProcess1(t *testing.T) {
	run(t, "services").fails(syscall.EPERM, "services", "is started by process 1 only")
}
