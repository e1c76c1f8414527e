import { rm } from 'node:fs/promises';
import { isSmolVMError } from '../errors.ts';
import { vmPaths } from '../spec/file-names.ts';
import { parseVmId } from '../spec/vm-id.ts';
import { findVm } from './find-vm.ts';
import { killStrayVmms, killVmm, removeRunFolder } from './kill-vmm.ts';
import type { Services } from './services.ts';

/**
 * Removes a VM and all that is its: process, sockets, disk, logs, row. A running VM is ended without asking the guest,
 * for nothing of it remains. Storage goes only after the VMM is gone for certain.
 */
export async function deleteVm(services: Services, vmId: string): Promise<void> {
  try {
    const record = findVm(services, vmId);
    const vmm = 'vmm' in record.status ? record.status.vmm : undefined;
    const deleting = services.store.move(record, { state: 'deleting', by: services.self });
    if (vmm !== undefined) await killVmm(vmm);
    await removeFiles(services, vmId);
    services.store.remove(deleting);
  } catch (error) {
    if (!isSmolVMError(error, 'STORE_INVALID')) throw error;
    // The row cannot be read, so nothing in it can be trusted: the process is found by its marker instead.
    await killStrayVmms(vmPaths(services.paths, parseVmId(vmId)));
    await removeFiles(services, vmId);
    services.store.removeDamaged(vmId);
  }
}

/** Removes all files of a VM whose VMM is gone. */
export async function removeFiles(services: Services, vmId: string): Promise<void> {
  const paths = vmPaths(services.paths, vmId);
  await services.channels.close(vmId);
  await removeRunFolder(paths);
  await rm(paths.folder, { recursive: true, force: true });
}
