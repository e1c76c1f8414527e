import { rm } from 'node:fs/promises';
import { Deadline } from '../base/deadline.ts';
import { poll } from '../base/poll.ts';
import { isAlive } from '../base/process-ref.ts';
import { isSmolVMError, SmolVMError, VMNotFoundError } from '../errors.ts';
import { vmPaths } from '../spec/file-names.ts';
import { parseVmId } from '../spec/vm-id.ts';
import type { ResolvedVm, VmRecord, VmState } from '../spec/vm-record.ts';
import { findVm } from './find-vm.ts';
import { killStrayVmms, killVmm } from './kill-vmm.ts';
import { reconcileVm } from './reconcile.ts';
import { keepsDisk, removeFiles, removeRemains } from './remove-files.ts';
import { hasMarker } from './retained-disk.ts';
import type { Services } from './services.ts';
import { atWork, stopVm } from './stop-vm.ts';

/** What may be deleted. */
export interface DeleteOptions {
  /** Also a VM that runs? Then its guest is not asked, for nothing of it remains. */
  readonly force: boolean;
  /** Does the disk stay although the VM does not say so? */
  readonly retainsDisk?: boolean;
}

/** How long a guest whose disk stays may take to power off. */
const STOP_BEFORE_RETAINING_MS = 3_000;

/** How long another process may take to delete the same VM. */
const OTHER_DELETER_MS = 10_000;

/**
 * Removes a VM and all that is its: process, sockets, disk, logs, row. Storage goes only after the VMM is gone for
 * certain. A disk that is to be retained stays. An id that has only such a disk left means that disk.
 */
export async function deleteVm(services: Services, vmId: string, options: DeleteOptions): Promise<void> {
  const found = findRecord(services, vmId);
  if (found === 'none') return deleteRetained(services, vmId);
  if (found === 'damaged') return deleteDamaged(services, vmId);
  if (found.status.state === 'deleting' && isAlive(found.status.by)) return awaitOtherDeleter(services, vmId);
  const record = await settled(services, found, options);
  if (record === undefined) return;
  const { status } = record;
  const vm = options.retainsDisk === true ? { ...record.vm, retainDiskOnDelete: true } : record.vm;
  const deleting = services.store.move(record, { state: 'deleting', by: services.self });
  if ('vmm' in status) await killVmm(status.vmm);
  // With the marker the disk stays, also if we die now and somebody else does the rest.
  if (!keepsDisk(vm)) await rm(vmPaths(services.paths, vmId).retainedMarker, { force: true });
  await removeRemains(services, { ...record, vm });
  services.store.remove(deleting);
}

/** The record in a state from which it can be deleted; undefined if somebody's unfinished deletion was finished. */
async function settled(
  services: Services,
  found: VmRecord,
  { force }: DeleteOptions,
): Promise<VmRecord | undefined> {
  const { vmId } = found.vm;
  await reconcileVm(services, found);
  const record = services.store.find(vmId);
  if (record === undefined) return undefined;
  if ('by' in record.status) throw atWork(vmId, record.status);
  const { state } = record.status;
  if (state !== 'running' && state !== 'paused') return record;
  if (!force) throw stillRunning(vmId, state);
  if (!keepsDisk(record.vm)) return record;
  // What stays is worth a sync.
  await stopVm(services, vmId, { timeoutMs: STOP_BEFORE_RETAINING_MS });
  return findVm(services, vmId);
}

function findRecord(services: Services, vmId: string): VmRecord | 'none' | 'damaged' {
  try {
    return services.store.find(parseVmId(vmId)) ?? 'none';
  } catch (error) {
    if (isSmolVMError(error, 'STORE_INVALID')) return 'damaged';
    throw error;
  }
}

/** The row keeps the id from being made anew meanwhile. */
async function deleteRetained(services: Services, vmId: string): Promise<void> {
  if (!hasMarker(vmPaths(services.paths, vmId))) throw new VMNotFoundError(vmId);
  const deleting = services.store.create(nothingLeft(vmId), { state: 'deleting', by: services.self });
  await rm(vmPaths(services.paths, vmId).retainedMarker, { force: true });
  await removeFiles(services, vmId);
  services.store.remove(deleting);
}

/** A VM of which there is nothing but a disk to be removed. */
function nothingLeft(vmId: string): ResolvedVm {
  return {
    vmId,
    vcpuCount: 1,
    memSizeMib: 1,
    backend: 'none',
    kernelPath: '',
    initrdPath: '',
    rootfsPath: '',
    bootArgs: '',
    boot: { kind: 'agent' },
    defaults: null,
    channel: 'agent',
    sshCapable: false,
    diskMode: 'isolated',
    retainDiskOnDelete: false,
    diskSizeBytes: 0,
    imageIdentity: null,
    owner: null,
  };
}

/** Nothing in a damaged row can be trusted, so the process is found by its marker instead. */
async function deleteDamaged(services: Services, vmId: string): Promise<void> {
  await killStrayVmms(vmPaths(services.paths, vmId));
  await removeFiles(services, vmId);
  services.store.removeDamaged(vmId);
}

/** Somebody is deleting it already, and it will be gone: that is what the caller wants. */
async function awaitOtherDeleter(services: Services, vmId: string): Promise<void> {
  using deadline = new Deadline(`wait for the process that is deleting VM '${vmId}'`, OTHER_DELETER_MS);
  await poll(() => (services.store.find(vmId) === undefined ? true : undefined), 10, deadline.signal);
}

function stillRunning(vmId: string, state: VmState): SmolVMError {
  return new SmolVMError('WRONG_STATE', `VM '${vmId}' is ${state}`, {
    hint: `Stop it first: smolvm stop ${vmId}; or delete it as it is: smolvm delete --force ${vmId}`,
    details: { vmId, state },
  });
}
