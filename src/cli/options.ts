import type { Command } from 'commander';

/** What a new VM is made of. */
export function addMachineOptions(command: Command): Command {
  return command
    .option('--vcpus <n>', 'virtual CPUs, 1 to 32 (default 2)')
    .option('--memory <mib>', 'memory in MiB, 128 to 16384 (default 512)')
    .option('--kernel <path>', 'uncompressed ELF kernel (default: the one of smolvm)')
    .option('--rootfs <path>', 'raw ext4 image (default: the one of smolvm)')
    .option('--image <image>', 'an image by its name, such as python:3.12; see smolvm image')
    .option('--pull <policy>', 'missing: pull an image that is not here; always; never (default missing)')
    .option('--backend <name>', 'hypervisor to use (default: auto)')
    .option('--boot-args <words>', 'kernel arguments, added to those of the machine')
    .option('--disk-size <mib>', 'size of the disk in MiB (default: that of the image)')
    .option(
      '--disk-mode <mode>',
      'isolated: a disk over the image; shared: the image itself (default isolated)',
    )
    .option('--retain-disk', 'keep the disk when the VM is deleted, for the next of its id')
    .option('--channel <name>', 'what carries commands and files: agent or ssh (default agent)')
    .option('--ssh', 'the image has an SSH server: start it, and let this user reach it')
    .option('--ssh-host-key <key>', 'public host key, for an image in which no agent of smolvm answers')
    .option('--config <file>', 'JSON file with fields of a VM; other options override it');
}

/** How a VM is started. */
export function addStartOptions(command: Command): Command {
  return command
    .option('--boot-timeout <duration>', 'give a boot up after this time (default 30s)')
    .option('--timings', 'print to stderr where the time of the start went');
}

/** How a command is run in a guest. */
export function addGuestOptions(command: Command): Command {
  command.option('-c, --shell <string>', 'run a string by the login shell instead of CMD');
  return addIdentityOptions(command)
    .option('-i, --interactive', 'forward stdin')
    .option('--timeout <duration>', 'kill the command after this time: 30s, 5m, 1500ms');
}

/** What more can be done with a VM that stays. */
export function addExecOptions(command: Command): Command {
  return addGuestOptions(command)
    .option('-t, --tty', 'run it on this terminal; what is typed goes to it, Ctrl-C too')
    .option('-d, --detach', 'print its id and let it run on: see attach and ps');
}

/** As whom, where and with what a command runs. */
export function addIdentityOptions(command: Command): Command {
  return command
    .option('--cwd <dir>', 'folder in the guest to start in (default /)')
    .option('--user <user>', 'guest user: name, uid, name:group or uid:gid (default root)')
    .option('-e, --env <key=value>', 'set a variable; KEY alone takes its value from here', collect);
}

function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}
