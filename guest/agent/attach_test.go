package agent

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"smolvm/guest/frame"
)

func TestDetachedRequests(t *testing.T) {
	h := one(t)
	for _, name := range []string{"a/b", "ä", " ", strings.Repeat("x", 65)} {
		if c := h.run(1, job(name, "true")); c.failed != "badRequest" {
			t.Errorf("%q: %+v", name, c)
		}
	}
	h.run(1, job("first", "printf abc; kill -9 $$"))
	long := job(strings.Repeat("x", 64), "sleep 1000")
	h.exec(2, long)
	h.until(frame.OutStarted)
	if c := h.run(3, job("first", "true")); c.failed != "exists" {
		t.Errorf("%+v", c)
	}
	if c := h.run(3, &command{argv: []string{"/no/such"}, name: "none"}); c.failed != "notFound" {
		t.Errorf("%+v", c)
	}
	all := h.list()
	if len(all) != 2 || all[0].name != "first" || all[0].pid != 0 || all[0].kind != 1 || all[0].code != 9 ||
		all[0].newest != 3 || all[0].program != "/bin/sh" || all[1].name != long.name || all[1].pid == 0 || all[1].kind != kindRunning {
		t.Fatalf("%+v", all)
	}
	for want, payload := range map[string][]byte{
		"badRequest": attachPayload("first", 4, 1, 1),
		"notFound":   attachPayload("none", 0, 1, 1),
	} {
		if got := h.refused(frame.Attach, 4, payload); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, tc := range [][2]string{{"none", "notFound"}, {"", "notFound"}, {long.name, "badRequest"}, {"first", ""}, {"first", "notFound"}} {
		if got := h.refused(frame.Forget, 4, frame.AppendStr(nil, tc[0])); got != tc[1] {
			t.Errorf("FORGET %q: %q, want %q", tc[0], got, tc[1])
		}
	}
	h.send(frame.Signal, 0, 2, []byte{15, 0, 0, 0, 0})
	if h.wait(2, long); long.kind != 1 || long.code != uint32(syscall.SIGTERM) {
		t.Fatalf("%+v", long)
	}
}

// full starts so many commands that wait for a line: r0, r1... on streams 1, 2...
func (h *host) full(count int) {
	h.t.Helper()
	for i := range count {
		c := job("r"+strconv.Itoa(i), "read line")
		c.argv[0] = "/" + strings.Repeat("/", 400) + "bin/sh"
		h.exec(uint32(i+1), c)
		h.until(frame.OutStarted)
	}
}

func TestDetachedLimit(t *testing.T) {
	h := one(t)
	h.full(maxDetached)
	if c := h.run(50, job("more", "true")); c.failed != "limit" {
		t.Fatalf("%+v", c)
	}
	all := h.list()
	if len(all) != maxDetached || all[31].name != "r31" || all[31].program != strings.Repeat("/", 255) {
		t.Fatalf("%+v", all)
	}
	for _, id := range []uint32{6, 4} {
		h.send(frame.Stdin, 1, id, nil)
		h.until(frame.OutExit)
	}
	if c := h.run(50, &command{argv: []string{"/no/such"}, name: "more"}); c.failed != "notFound" {
		t.Fatalf("%+v", c)
	}
	if h.find("r3").pid != 0 {
		t.Fatal("a command that did not start has cost another one its place")
	}
	if c := h.run(50, job("more", "exit 2")); c.code != 2 || c.failed != "" {
		t.Fatalf("%+v", c)
	}
	if got := h.refused(frame.Attach, 51, attachPayload("r3", 0, 1, 1)); got != "notFound" {
		t.Fatalf("the oldest ended one: %q", got)
	}
	if all = h.list(); len(all) != maxDetached || all[4].name != "r5" || all[4].pid != 0 || all[31].name != "more" {
		t.Fatalf("%+v", all)
	}
}

// One whose output somebody still reads goes last, and he is told.
func TestDetachedLimitAttached(t *testing.T) {
	h := one(t)
	h.full(maxDetached - 2)
	h.run(50, job("held", "printf x"))
	h.attachWith(60, "held", 0, 0, 0)
	h.run(50, job("idle", "true"))
	h.exec(51, job("new", "read line"))
	h.until(frame.OutStarted)
	if all := h.list(); all[30].name != "held" || all[31].name != "new" {
		t.Fatalf("%+v", all)
	}
	h.exec(52, job("newer", "read line"))
	if r := h.recv(); r.typ != frame.OutDetached || r.stream != 60 {
		t.Fatalf("%+v", r)
	}
}

func TestForgetClosesFiles(t *testing.T) {
	h := one(t)
	first := 0
	for range 10 {
		c := job("j", "exec head -c 300000 /dev/zero") // more than the ring, less than with the pipe
		c.out = 1
		h.exec(1, c)
		eventually(t, "it has ended", func() bool { return h.find("j").pid == 0 })
		if got := h.refused(frame.Forget, 2, frame.AppendStr(nil, "j")); got != "" {
			t.Fatal(got)
		}
		h.ping()
		now := files(t)
		if first == 0 {
			first = now
		}
		if now > first+10 { // pipes made ahead come and go
			t.Fatalf("%d files, %d before", now, first)
		}
	}
}

func TestListFlood(t *testing.T) {
	loop, hosts := serve(t, 1, Host{})
	h := hosts[0]
	h.hello()
	for i := range maxDetached {
		h.run(1, job(strings.Repeat("n", 60)+strconv.Itoa(i), "true"))
	}
	const lists = 20_000
	done := make(chan bool)
	go func() {
		one := frame.Append(nil, h.tag, frame.List, 0, 1, nil)
		for range lists {
			if _, err := syscall.Write(h.fd, one); err != nil {
				break
			}
		}
		close(done)
	}()
	for range lists {
		if r := h.recv(); r.typ != frame.OutListed && r.typ != frame.OutFailed {
			t.Fatalf("%#x", r.typ)
		}
	}
	<-done
	h.stop()
	for _, tg := range loop.targets {
		if tg.port != nil && cap(tg.port.ctl) > 256<<10 {
			t.Fatalf("answers piled up: %d bytes", cap(tg.port.ctl))
		}
	}
}
