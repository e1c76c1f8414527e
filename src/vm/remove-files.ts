import { rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { vmPaths } from '../spec/file-names.ts';
import type { ResolvedVm, VmRecord } from '../spec/vm-record.ts';
import { removeRunFolder } from './kill-vmm.ts';
import { hasMarker, removeAllBut, retainDisk } from './retained-disk.ts';
import type { Services } from './services.ts';

/** Removes all files of a VM whose VMM is gone. */
export async function removeFiles(services: Services, vmId: string): Promise<void> {
  const paths = vmPaths(services.paths, vmId);
  await services.channels.close(vmId);
  await removeRunFolder(paths);
  await rm(paths.folder, { recursive: true, force: true });
}

/** The same, but its disk stays if that was asked for. */
async function removeFilesOf(services: Services, vm: ResolvedVm): Promise<void> {
  const paths = vmPaths(services.paths, vm.vmId);
  if (!keepsDisk(vm) || !existsSync(paths.disk)) return removeFiles(services, vm.vmId);
  await services.channels.close(vm.vmId);
  await removeRunFolder(paths);
  await retainDisk(paths, vm);
}

/**
 * Removes all files of a VM but a disk that is to stay, also where its maker or deleter has died. A marker is there only until the disk is used for the
 * first time, and a deletion that means the disk too removes it first: so with a marker the disk is the one that was
 * retained, unchanged. A disk that was being made is none to keep.
 */
export async function removeRemains(services: Services, { vm, status }: VmRecord): Promise<void> {
  const paths = vmPaths(services.paths, vm.vmId);
  if (!hasMarker(paths))
    return status.state === 'creating' ? removeFiles(services, vm.vmId) : removeFilesOf(services, vm);
  await services.channels.close(vm.vmId);
  await removeRunFolder(paths);
  await removeAllBut(paths, [paths.disk, paths.retainedMarker]);
}

/** Does the disk stay when the VM is deleted? The image of a shared disk is not ours to remove in any case. */
export function keepsDisk(vm: ResolvedVm): boolean {
  return vm.retainDiskOnDelete && vm.diskMode === 'isolated';
}
