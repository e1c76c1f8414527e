import type { ProcessRef } from '../base/process-ref.ts';
import type { DiskMode } from './vm-fields.ts';

/** A VM with nothing left to choose: what is stored, and what every start boots. */
export interface ResolvedVm {
  readonly vmId: string;
  readonly vcpuCount: number;
  readonly memSizeMib: number;
  /** Name of a backend in the registry. */
  readonly backend: string;
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly rootfsPath: string;
  /** Kernel arguments as they were asked for. */
  readonly bootArgs: string;
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
  | { readonly state: 'running' | 'paused'; readonly vmm: ProcessRef }
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
