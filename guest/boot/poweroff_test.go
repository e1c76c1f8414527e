package boot

import "testing"

func TestMountTable(t *testing.T) {
	table := "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/vdb /mnt/a\\040b ext4 rw 0 0\n"
	var got []string
	for table != "" {
		line := lastLine(table)
		table = table[:len(table)-len(line)]
		target, fstype := mountOf(line)
		if !isVirtual(fstype) {
			got = append(got, target)
		}
	}
	if len(got) != 2 || got[0] != "/mnt/a b" || got[1] != "/" {
		t.Fatalf("%q", got)
	}
}
