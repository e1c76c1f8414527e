/** What the kernel's command line is made of. */
export interface KernelArgs {
  /** Guest device of the root disk, or undefined to stay in the initrd. */
  readonly rootDevice: string | undefined;
  readonly hostname: string;
  /** What this VMM and accelerator need, before all else. */
  readonly machine: readonly string[];
}

/**
 * The kernel command line. `panic=-1` reboots at once on a panic, which the VMM reports as the end of the guest;
 * `random.trust_cpu` lets the kernel's generator start from RDRAND (virtio-rng follows).
 */
export function kernelCommandLine(args: KernelArgs): string {
  const root = args.rootDevice === undefined ? [] : [`root=${args.rootDevice}`, 'rootfstype=ext4', 'rw'];
  const common = ['quiet', 'panic=-1', 'random.trust_cpu=on'];
  return [...args.machine, ...common, ...root, `smolvm.hostname=${args.hostname}`].join(' ');
}
