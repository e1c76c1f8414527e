package passwd

import (
	"slices"
	"testing"
)

const users = "root:x:0:0:root:/root:/bin/sh\n#comment\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1000::/home/bob:\nhuge:x:4294967295:1::/:\n42:x:7:8::/seven:"
const groups = "root:x:0:\nwheel:x:10:bob,alice\naudio:x:29:alice\nalicex:x:30:alicex\n12:x:99:"

func TestFind(t *testing.T) {
	for _, c := range []struct {
		spec string
		want User
		why  bool
	}{
		{spec: "alice", want: User{"alice", 1000, 1000, []uint32{10, 29}, "/home/alice"}},
		{spec: "bob", want: User{"bob", 1001, 1000, []uint32{10}, "/home/bob"}},
		{spec: "1000", want: User{"alice", 1000, 1000, []uint32{10, 29}, "/home/alice"}},
		{spec: "5", want: User{"5", 5, 0, nil, "/"}},
		{spec: "5:6", want: User{"5", 5, 6, nil, "/"}},
		{spec: "alice:audio", want: User{"alice", 1000, 29, nil, "/home/alice"}},
		{spec: "alice:77", want: User{"alice", 1000, 77, nil, "/home/alice"}},
		{spec: "42", want: User{"42", 7, 8, nil, "/seven"}}, // a name comes before a number
		{spec: "root:12", want: User{"root", 0, 99, nil, "/root"}},
		{spec: "carol", why: true},
		{spec: "alice:nogroup", why: true},
		{spec: "alice:", why: true},
		{spec: "4294967295", why: true},
		{spec: "huge", why: true},
		{spec: ":audio", why: true},
		{spec: "-1", why: true},
	} {
		got, why := Find(c.spec, users, groups)
		if c.why != (why != "") {
			t.Errorf("%s: %q", c.spec, why)
			continue
		}
		if !c.why && (got.Name != c.want.Name || got.UID != c.want.UID || got.GID != c.want.GID || got.Home != c.want.Home || !slices.Equal(got.Groups, c.want.Groups)) {
			t.Errorf("%s: %+v, want %+v", c.spec, got, c.want)
		}
	}
}
