import type { ProcessRef } from '../base/process-ref.ts';
import type { Channel } from './channel.ts';
import type { ImageConfig } from './image-config.ts';
import type { DiskMode } from './vm-fields.ts';

/**
 * How a kernel comes to its first process. `agent`: our initrd mounts the root disk. `direct`: the kernel mounts it and
 * runs the image's own init, as its command line says.
 */
export type VmBoot = { readonly kind: 'agent' } | { readonly kind: 'direct'; readonly commandLine: string };

/** What commands get where their caller says nothing. */
export type CommandDefaults = Pick<ImageConfig, 'env' | 'workdir' | 'user'>;

/** A VM with nothing left to choose: what is stored, and what every start boots. */
export interface ResolvedVm {
  readonly vmId: string;
  readonly vcpuCount: number;
  readonly memSizeMib: number;
  /** Name of a backend in the registry. */
  readonly backend: string;
  readonly kernelPath: string;
  /** Null: none, for a direct boot only. */
  readonly initrdPath: string | null;
  readonly rootfsPath: string;
  /** Kernel arguments as they were asked for, besides those of a direct boot. */
  readonly bootArgs: string;
  readonly boot: VmBoot;
  /** What the image says of its processes; null if it says nothing. */
  readonly defaults: CommandDefaults | null;
  readonly channel: Channel;
  /** Does the image start an SSH server that takes our credentials? */
  readonly sshCapable: boolean;
  readonly diskMode: DiskMode;
  readonly retainDiskOnDelete: boolean;
  readonly diskSizeBytes: number;
  /** Which image the disk lies over (`disk/image-identity.ts`); null for a shared disk, or if it was not noted. */
  readonly imageIdentity: string | null;
  /** The process that the VM must not outlive, or null for a VM that stays until it is deleted. */
  readonly owner: ProcessRef | null;
}

/** What dies with its owner need not survive a power cut of the host, unless its disk is to outlive it. */
export function mayLoseDisk({ owner, diskMode, retainDiskOnDelete }: ResolvedVm): boolean {
  return owner !== null && diskMode === 'isolated' && !retainDiskOnDelete;
}

/**
 * Where a VM is in its life. Transitional states name the process that is at work: if it is dead, the next caller
 * takes over. Moves are listed in `transitions.ts`.
 */
export type VmStatus =
  | { readonly state: 'creating' | 'starting' | 'deleting'; readonly by: ProcessRef }
  | { readonly state: 'created' | 'stopped' }
  | { readonly state: 'failed'; readonly reason: string }
  /** `agentless`: no agent answered in its boot, so there is nobody to take commands. */
  | { readonly state: 'running' | 'paused'; readonly vmm: ProcessRef; readonly agentless?: true }
  | { readonly state: 'stopping'; readonly by: ProcessRef; readonly vmm: ProcessRef };

/** The tag of a {@link VmStatus}. */
export type VmState = VmStatus['state'];

/** One stored VM. `revision` grows with each change; a change is made against the revision that was read. */
export interface VmRecord {
  readonly vm: ResolvedVm;
  readonly status: VmStatus;
  readonly revision: number;
  /** ISO 8601, for people. Order is by insertion, not by this. */
  readonly createdAt: string;
}
