import { rm } from 'node:fs/promises';
import { Deadline } from '../base/deadline.ts';
import { poll } from '../base/poll.ts';
import { isAlive } from '../base/process-ref.ts';
import { isSmolVMError, SmolVMError } from '../errors.ts';
import { vmPaths } from '../spec/file-names.ts';
import { parseVmId } from '../spec/vm-id.ts';
import type { VmRecord } from '../spec/vm-record.ts';
import { findVm } from './find-vm.ts';
import { killStrayVmms, killVmm, removeRunFolder } from './kill-vmm.ts';
import type { Services } from './services.ts';

/** What may be deleted. */
export interface DeleteOptions {
  /** Also a VM that runs? Then its guest is not asked, for nothing of it remains. */
  readonly force: boolean;
}

/** How long another process may take to delete the same VM. */
const OTHER_DELETER_MS = 10_000;

/**
 * Removes a VM and all that is its: process, sockets, disk, logs, row. Storage goes only after the VMM is gone for
 * certain.
 */
export async function deleteVm(services: Services, vmId: string, options: DeleteOptions): Promise<void> {
  const record = readable(services, vmId);
  if (record === undefined) return deleteDamaged(services, vmId);
  const { status } = record;
  if (status.state === 'deleting' && isAlive(status.by)) return awaitOtherDeleter(services, vmId);
  if (status.state === 'running' && !options.force) throw stillRunning(vmId);
  const deleting = services.store.move(record, { state: 'deleting', by: services.self });
  if ('vmm' in status) await killVmm(status.vmm);
  await removeFiles(services, vmId);
  services.store.remove(deleting);
}

/** The record, or undefined if its row is damaged. */
function readable(services: Services, vmId: string): VmRecord | undefined {
  try {
    return findVm(services, vmId);
  } catch (error) {
    if (isSmolVMError(error, 'STORE_INVALID')) return undefined;
    throw error;
  }
}

/** Nothing in a damaged row can be trusted, so the process is found by its marker instead. */
async function deleteDamaged(services: Services, vmId: string): Promise<void> {
  await killStrayVmms(vmPaths(services.paths, parseVmId(vmId)));
  await removeFiles(services, vmId);
  services.store.removeDamaged(vmId);
}

/** Somebody is deleting it already, and it will be gone: that is what the caller wants. */
async function awaitOtherDeleter(services: Services, vmId: string): Promise<void> {
  using deadline = new Deadline(`wait for the process that is deleting VM '${vmId}'`, OTHER_DELETER_MS);
  await poll(() => (services.store.find(vmId) === undefined ? true : undefined), 10, deadline.signal);
}

function stillRunning(vmId: string): SmolVMError {
  return new SmolVMError('WRONG_STATE', `VM '${vmId}' is running`, {
    hint: `Stop it first: smolvm stop ${vmId}; or delete it as it is: smolvm delete --force ${vmId}`,
    details: { vmId, state: 'running' },
  });
}

/** Removes all files of a VM whose VMM is gone. */
export async function removeFiles(services: Services, vmId: string): Promise<void> {
  const paths = vmPaths(services.paths, vmId);
  await services.channels.close(vmId);
  await removeRunFolder(paths);
  await rm(paths.folder, { recursive: true, force: true });
}
