package cmdline

import "testing"

func TestParse(t *testing.T) {
	for line, want := range map[string]Options{
		"":                                     {FSType: "ext4"},
		"quiet root=/dev/vda rw":               {Root: "/dev/vda", FSType: "ext4", Writable: true},
		"rw ro root=/dev/vdb rootfstype=erofs": {Root: "/dev/vdb", FSType: "erofs"},
		"smolvm.hostname=box smolvm.poweroff=acpi\n":                  {FSType: "ext4", Hostname: "box", ACPI: true},
		`rootflags="noatime data=writeback" "smolvm.hostname=a b" rw`: {FSType: "ext4", RootFlags: "noatime data=writeback", Hostname: "a b", Writable: true},
		"root=/dev/vda root=":                                         {FSType: "ext4"},
		"xroot=/dev/vda rwx":                                          {FSType: "ext4"},
	} {
		if got := Parse(line); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}
