import { splitAtInit, withMissingWords } from '../spec/boot-args.ts';

/** What the kernel's command line is made of. */
export interface KernelArgs {
  /** Guest device of the root disk, or undefined to stay in the initrd. */
  readonly rootDevice: string | undefined;
  readonly hostname: string;
  /** What this VMM and accelerator need, before all else. */
  readonly machine: readonly string[];
  /** What the user adds. It comes after ours, so that of two settings of one thing the user's counts. */
  readonly added: readonly string[];
}

/**
 * The kernel command line. `panic=-1` reboots at once on a panic, which the VMM reports as the end of the guest;
 * `random.trust_cpu` lets the kernel's generator start from RDRAND (virtio-rng follows).
 */
export function kernelCommandLine(args: KernelArgs): string {
  const common = ['quiet', 'panic=-1', 'random.trust_cpu=on'];
  const root = args.rootDevice === undefined ? [] : rootWords(args.rootDevice);
  return [...args.machine, ...common, `smolvm.hostname=${args.hostname}`, ...root, ...args.added].join(' ');
}

/** What the command line of a direct boot is made of. */
export interface DirectKernelArgs {
  /** What the image's description says. */
  readonly described: string;
  readonly hostname: string;
  /** What suits this VMM and accelerator; a description may say otherwise. */
  readonly tuning: readonly string[];
  /** How this machine reboots, whatever the description says: it is how the end of the guest is seen. */
  readonly reboot: string;
}

/**
 * The command line of a kernel that boots an image as described. Of two settings of one thing the kernel takes the last.
 * The name is for an agent that is the image's own init.
 */
export function directCommandLine({ described, hostname, tuning, reboot }: DirectKernelArgs): string {
  const [kernel, init] = splitAtInit(withMissingWords(described, [`smolvm.hostname=${hostname}`]));
  return [...tuning, 'random.trust_cpu=on', ...kernel, reboot, 'panic=-1', ...init].join(' ');
}

/**
 * `root=` and its like are for the agent. The kernel hands words that it does not know to `/init` as arguments; from
 * these the agent's helper mounts the same disk before Go is up, and warms what the first command needs by a shell
 * that does nothing (docs/decisions/0009-boot-helper.md). They come before words that the user adds, which may also be
 * such that the kernel does not know.
 */
function rootWords(device: string): readonly string[] {
  return [`root=${device}`, 'rootfstype=ext4', 'rw', device, 'ext4', '/bin/sh', '-c', ':'];
}
