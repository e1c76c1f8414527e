import type { ProcessRef } from '../base/process-ref.ts';
import type { SmolVMError } from '../errors.ts';
import type { ResolvedVm, VmRecord, VmStatus } from '../spec/vm-record.ts';

/** All stored VMs, and the rows that cannot be read. */
export interface VmListing {
  readonly records: readonly VmRecord[];
  readonly damaged: readonly { readonly vmId: string; readonly error: SmolVMError }[];
}

/**
 * What all processes of one state folder share. Calls are synchronous on purpose: one local file, well below a
 * millisecond, and nothing interleaves inside a call.
 */
export interface StateStore extends Disposable {
  /** Adds a VM. Fails with `VM_ALREADY_EXISTS`. */
  create(vm: ResolvedVm, status: VmStatus): VmRecord;
  /** The VM, or undefined. Fails with `STORE_INVALID` if its row is damaged. */
  find(vmId: string): VmRecord | undefined;
  /** All VMs, oldest first. */
  list(): VmListing;
  /**
   * Moves a VM from the state in `record` to the next: compare-and-set on the revision, so of two processes one wins.
   * Fails with `WRONG_STATE` (no such move), `BUSY` (it was changed meanwhile) or `VM_NOT_FOUND`.
   */
  move(record: VmRecord, next: VmStatus): VmRecord;
  /** Removes the VM if it is unchanged since `record` was read. */
  remove(record: VmRecord): void;
  /** Removes a row that cannot be read. */
  removeDamaged(vmId: string): void;
  /** Nothing of another process comes between what `work` reads here and what it writes. */
  exclusively<T>(work: () => T): T;
  /** Takes a free port of the VM's control channel; ports of dead processes are free. Undefined: all are taken. */
  leasePort(vmId: string, owner: ProcessRef, portCount: number): number | undefined;
  /** Gives a port back. */
  releasePort(vmId: string, port: number, owner: ProcessRef): void;
  /**
   * Takes a port of this host for the VM's SSH server, which no other VM of this state folder has: the one that it has
   * already, else the lowest that is free and not in `avoid`. It goes with the VM. Undefined: all are taken.
   */
  leaseSshPort(vmId: string, avoid: ReadonlySet<number>): number | undefined;
  /** The port that was taken for the VM, if one was. */
  sshPort(vmId: string): number | undefined;
  /** A remembered fact about this host, or undefined. */
  fact(key: string): string | undefined;
  /** Remembers a fact; it may be lost at any time and must then be found again. */
  setFact(key: string, value: string): void;
}
