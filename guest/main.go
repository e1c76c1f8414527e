// The smolvm guest agent: process 1 of a microVM. It mounts the file systems,
// runs commands for the host and ends the machine. See README.md.
package main

import (
	"runtime"
	"syscall"

	"smolvm/guest/agent"
	"smolvm/guest/boot"
	"smolvm/guest/cmdline"
	"smolvm/guest/sys"
	"smolvm/guest/tool"
)

// rootMillis is how long the root disk may take to appear.
const rootMillis = 2000

func init() {
	// The loop, its signals and its timer slack belong to the first thread.
	runtime.LockOSThread()
}

func main() {
	sys.AllCPUs()
	if syscall.Getpid() != 1 {
		helper(sys.Args())
	}
	defer lastWords()
	if !sys.EarlyDone(sys.EarlyDev) {
		boot.Early()
	}
	options := cmdline.Parse(boot.ReadFile("/proc/cmdline"))
	acpi := options.ACPI

	loop := agent.New(agent.Host{
		Signal:   boot.SignalAll,
		PowerOff: func() { boot.PowerOff(acpi) },
		Settled:  calmRuntime,
	})
	loop.WatchPorts("/dev") // the channel first: the host side connects meanwhile
	lo := boot.StartLoopback()
	loop.SetRootErr(mountRoot(loop, options))
	loop.SetBootID(boot.ReadFile("/proc/sys/kernel/random/boot_id"))
	loop.Greet()
	boot.Rest()
	boot.Limits()
	boot.Hostname(options.Hostname)
	boot.FinishLoopback(lo)
	loop.Run()
}

// helper is what the program does when it is not process 1. It does not return.
func helper(args []string) {
	if len(args) > 0 && args[0] == tool.Name {
		syscall.Exit(tool.Main(args[1:]))
	}
	sys.Write(2, []byte("usage: this is process 1 of a smolvm machine; it starts itself as "+tool.Name+" TOOL [ARG...]\n"))
	syscall.Exit(2)
}

// calmRuntime makes Go's own threads disturb little. It waits until the first
// command has had time to start.
func calmRuntime() {
	// Two, so that the garbage collector has a P beside that of the loop's
	// thread; and to keep Go from watching the limit.
	runtime.GOMAXPROCS(2)
	boot.CalmMonitor()
}

func mountRoot(loop *agent.Loop, o cmdline.Options) (why string) {
	if o.Root == "" {
		return ""
	}
	if sys.EarlyDone(sys.EarlyRoot) {
		why = boot.EnterRoot(o)
	} else if boot.OnRoot() {
		return "" // the kernel has mounted it: we are the init of an image
	} else if !loop.WaitDevice(o.Root, rootMillis) {
		why = "root disk " + o.Root + " did not appear within 2 s"
	} else {
		why = boot.Root(o)
	}
	if why != "" {
		boot.Console(why)
	}
	return why
}

// lastWords tells a fault of the agent on the console and restarts: a dead
// process 1 must not leave the machine hanging.
func lastWords() {
	reason := recover()
	text := "the event loop ended"
	switch r := reason.(type) {
	case error:
		text = r.Error()
	case string:
		text = r
	}
	boot.Console("fatal: " + text)
	boot.Reset(false)
}
