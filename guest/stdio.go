package main

import (
	"syscall"

	"smolvm/guest/agent"
	"smolvm/guest/boot"
	"smolvm/guest/cmdline"
	"smolvm/guest/sys"
)

// stdio serves one session on stdin and stdout, for a host that comes by ssh.
// Orphans of its commands become its children and are reaped; when it ends they
// become those of process 1.
//
// Only with the argument "machine", and only in a machine of smolvm, does it
// take requests for power, clock and entropy: started anywhere else it must not
// be able to end more than its own commands.
func stdio(args []string) (exitCode int) {
	syscall.Umask(0o022)
	syscall.Chdir("/")
	boot.Limits()
	sys.AdoptOrphans()
	options := cmdline.Parse(boot.ReadFile("/proc/cmdline"))
	loop := agent.New(agent.Host{
		BootID:    boot.ReadFile("/proc/sys/kernel/random/boot_id"),
		NoMachine: !options.Ours || len(args) != 1 || args[0] != "machine",
		Alone:     boot.Alone,
		Signal:    boot.SignalAll,
		PowerOff:  func() { boot.PowerOff(options.ACPI) },
	})
	if !loop.ServeStdio() {
		sys.Write(2, []byte("stdin and stdout must be pipes or sockets\n"))
		return 2
	}
	loop.Run()
	return 0
}
