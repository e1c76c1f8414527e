package cmdline

import "testing"

func TestParse(t *testing.T) {
	for line, want := range map[string]Options{
		"":                                     {FSType: "ext4"},
		"quiet root=/dev/vda rw":               {Root: "/dev/vda", FSType: "ext4", Writable: true},
		"rw ro root=/dev/vdb rootfstype=erofs": {Root: "/dev/vdb", FSType: "erofs"},
		"smolvm.hostname=box smolvm.poweroff=acpi\n":                  {FSType: "ext4", Hostname: "box", ACPI: true, Ours: true},
		`rootflags="noatime data=writeback" "smolvm.hostname=a b" rw`: {FSType: "ext4", RootFlags: "noatime data=writeback", Hostname: "a b", Writable: true, Ours: true},
		"ip=10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off smolvm.sshd=1 smolvm.authorized_key_b64=YQ==": {
			FSType: "ext4", Address: "10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off", SSHD: true, Key: "YQ==", Ours: true},
		"smolvm.network=guest smolvm.dns=1.1.1.1 smolvm.sshd=0": {FSType: "ext4", GuestNetwork: true, DNS: "1.1.1.1", Ours: true},
		"root=/dev/vda root=": {FSType: "ext4"},
		"xroot=/dev/vda rwx":  {FSType: "ext4"},
	} {
		if got := Parse(line); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}
