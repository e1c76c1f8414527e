import { addedBootWords } from '../../spec/boot-args.ts';
import { AREA_SERIAL } from '../../spec/transfer-area.ts';
import type { Acceleration, BootDisk, BootRequest } from '../hypervisor.ts';
import { directCommandLine, kernelCommandLine, sshWords } from '../kernel-args.ts';

/** The chardev that keeps the newest console output, and how much of it. A guest cannot make it grow. */
export const CONSOLE_ID = 'console';
export const CONSOLE_BYTES = 256 * 1024;

/** Arguments of every QEMU we start: nothing of the user's configuration, no default devices, no new privileges. */
export const COMMON_ARGS: readonly string[] = [
  '-nodefaults',
  '-no-user-config',
  '-display',
  'none',
  '-sandbox',
  'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
];

/**
 * The machine. `acpi=on` hangs under emulation, `rtc=off` costs 0.9 s there (the kernel waits for an absent clock);
 * option ROMs are for devices that this machine does not have.
 */
const MACHINE =
  'microvm,acpi=off,rtc=on,pit=on,pic=on,isa-serial=on,x-option-roms=off,auto-kernel-cmdline=on';

/**
 * All that QEMU can emulate, but for the promise that `rep movsb` and `rep stosb` are fast: the kernel then copies and
 * clears memory by them, which QEMU emulates byte by byte. Without the promise, large transfers are three times as fast.
 */
const EMULATED_CPU = 'max,-erms,-fsrm';

type AccelerationKind = Acceleration['kind'];

/** Machine, accelerator and CPU model; also what an acceleration probe boots. */
export function machineArgs(kind: AccelerationKind): readonly string[] {
  return [
    '-machine',
    MACHINE,
    ...(kind === 'hardware' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg', '-cpu', EMULATED_CPU]),
  ];
}

/**
 * Kernel arguments that the machine needs, before all others. `reboot=t` ends the VMM in 40 ms (`k`: 2.5 s).
 */
export function machineKernelArgs(kind: AccelerationKind): readonly string[] {
  return ['console=ttyS0', REBOOT, ...tuningArgs(kind)];
}

const REBOOT = 'reboot=t';

/**
 * `noreplace-smp` saves rewriting 9,000 lock prefixes on one CPU. The CPU flaws that mitigations are for are not
 * emulated, so there they only cost time.
 */
function tuningArgs(kind: AccelerationKind): readonly string[] {
  return ['noreplace-smp', ...(kind === 'emulated' ? ['mitigations=off'] : [])];
}

/** BootRequest → argv. Pure. */
export function qemuArgv(boot: BootRequest): readonly [string, ...string[]] {
  const { vm, support } = boot;
  return [
    support.binary,
    '-name',
    boot.marker,
    ...COMMON_ARGS,
    ...machineArgs(support.acceleration.kind),
    '-smp',
    String(vm.vcpuCount),
    '-m',
    `${String(vm.memSizeMib)}M`,
    // A guest that ends stops here, so that a failed boot can still tell why; `set-action` changes that once it is up.
    '-action',
    'reboot=shutdown,shutdown=pause',
    ...kernelArgs(boot),
    '-chardev',
    `ringbuf,id=${CONSOLE_ID},size=${String(CONSOLE_BYTES)}`,
    '-serial',
    `chardev:${CONSOLE_ID}`,
    ...socketChardev('control', boot.controlSocket),
    '-mon',
    'chardev=control,mode=control',
    ...agentArgs(boot.agentSockets),
    ...diskArgs(boot.disk),
    ...sshArgs(boot),
    '-device',
    'virtio-rng-device',
    // After the root disk, which is /dev/vda because it comes first.
    ...transferArgs(boot.transferArea),
  ];
}

/** What the log says when the port of the host is taken. */
export const PORT_TAKEN_SIGN = 'Could not set up host forwarding rule';

const SSH_ADDRESS = { guest: '10.0.2.15', gateway: '10.0.2.2', netmask: '255.255.255.0' } as const;

/**
 * A network inside of QEMU with nobody on it but the guest: with `restrict` it leads neither to this host nor beyond, and
 * the one way in is from a port of the loopback.
 */
function sshArgs({ ssh }: BootRequest): readonly string[] {
  if (ssh === null) return [];
  const way = `hostfwd=tcp:127.0.0.1:${String(ssh.hostPort)}-${SSH_ADDRESS.guest}:22`;
  return [
    '-netdev',
    `user,id=ssh,restrict=on,ipv6=off,net=10.0.2.0/24,host=${SSH_ADDRESS.gateway},${way}`,
    '-device',
    'virtio-net-device,netdev=ssh',
  ];
}

function kernelArgs({ vm, support, ssh }: BootRequest): readonly string[] {
  const initrd = vm.initrdPath === null ? [] : ['-initrd', vm.initrdPath];
  return ['-kernel', vm.kernelPath, ...initrd, '-append', commandLine({ vm, support, ssh })];
}

function commandLine({ vm, support, ssh }: Pick<BootRequest, 'vm' | 'support' | 'ssh'>): string {
  const { vmId: hostname, boot, bootArgs } = vm;
  const { kind } = support.acceleration;
  const services = ssh === null ? [] : sshWords(ssh.publicKey, SSH_ADDRESS);
  if (boot.kind === 'direct') {
    const described = boot.commandLine;
    return directCommandLine({ described, hostname, services, tuning: tuningArgs(kind), reboot: REBOOT });
  }
  const machine = machineKernelArgs(kind);
  const added = addedBootWords(bootArgs);
  return kernelCommandLine({ rootDevice: '/dev/vda', hostname, services, machine, added });
}

function agentArgs(sockets: readonly string[]): readonly string[] {
  const ports = sockets.flatMap((socket, index) => [
    ...socketChardev(`agent${String(index)}`, socket),
    '-device',
    `virtserialport,chardev=agent${String(index)},name=smolvm.agent.${String(index)}`,
  ]);
  // Port 0 is the one that a virtual console would have.
  return ['-device', `virtio-serial-device,max_ports=${String(sockets.length + 1)}`, ...ports];
}

function diskArgs(disk: BootDisk): readonly string[] {
  const blockdev = disk.kind === 'overlay' ? overlayNode(disk) : imageNode(disk.path);
  return ['-blockdev', JSON.stringify(blockdev), '-device', 'virtio-blk-device,drive=root'];
}

/** Through the host's page cache, because the host writes and reads the file too; it is gone with the VMM, so no flush. */
function transferArgs(path: string): readonly string[] {
  const cache = { 'no-flush': true };
  const file = { driver: 'file', filename: path, aio: 'threads', cache };
  return [
    '-blockdev',
    JSON.stringify({ driver: 'raw', 'node-name': 'transfer', cache, file }),
    '-device',
    `virtio-blk-device,drive=transfer,serial=${AREA_SERIAL},num-queues=1`,
  ];
}

/** The disk and the image below it, each with its format: QEMU never guesses one from bytes that a guest wrote. */
function overlayNode({
  path,
  imagePath,
  mayBeLost,
}: Extract<BootDisk, { readonly kind: 'overlay' }>): object {
  const cache = { 'no-flush': mayBeLost };
  return {
    driver: 'qcow2',
    'node-name': 'root',
    discard: 'unmap',
    cache,
    file: { driver: 'file', filename: path, discard: 'unmap', cache },
    backing: {
      driver: 'raw',
      'read-only': true,
      file: { driver: 'file', filename: imagePath, 'read-only': true },
    },
  };
}

/** QEMU locks the file: what our store does not see, such as a VM of another state folder, fails to start. */
function imageNode(path: string): object {
  const file = { driver: 'file', filename: path, discard: 'unmap' };
  return { driver: 'raw', 'node-name': 'root', discard: 'unmap', file };
}

function socketChardev(id: string, path: string): readonly string[] {
  return ['-chardev', `socket,id=${id},path=${escapeOption(path)},server=on,wait=off`];
}

/** QEMU splits options at commas; a doubled comma is one comma (qemu-options(7)). */
function escapeOption(value: string): string {
  return value.replaceAll(',', ',,');
}
