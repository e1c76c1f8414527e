import { isOurImage, isSameFile } from '../disk/image-identity.ts';
import { SmolVMError } from '../errors.ts';
import { imagesFolder } from '../spec/file-names.ts';
import type { ResolvedVm, VmRecord, VmState } from '../spec/vm-record.ts';
import { listRetained } from './retained-disk.ts';
import type { Services } from './services.ts';

/** In these states a VMM may have the disk open. */
const LIVE: ReadonlySet<VmState> = new Set(['starting', 'running', 'paused', 'stopping']);

/**
 * Refuses a start that would let two VMs write one file, or change an image below the disk of another VM. Called in a
 * transaction of the store with the move to `starting`: of two starts at once one sees the other.
 */
export function requireUnusedDisk(services: Services, vm: ResolvedVm): void {
  // Our own images are never written, which saves nearly every start from looking at all VMs.
  if (isOurImage(vm.rootfsPath, imagesFolder(services.paths))) return;
  const others = services.store
    .list()
    .records.filter((one) => one.vm.vmId !== vm.vmId && isSameFile(one.vm.rootfsPath, vm.rootfsPath));
  const writer = others.find(isWriting);
  if (writer !== undefined) throw inUse(vm, writer.vm.vmId);
  if (vm.diskMode === 'isolated') return;
  const above = others.find((one) => one.vm.diskMode === 'isolated')?.vm.vmId ?? retainedAbove(services, vm);
  if (above !== undefined) throw isBelow(vm, above);
}

/** VMs whose shared disk is this file; one of them may have died unnoticed. */
export function sharersOf(services: Services, vm: ResolvedVm): readonly VmRecord[] {
  if (isOurImage(vm.rootfsPath, imagesFolder(services.paths))) return [];
  return services.store
    .list()
    .records.filter(isWriting)
    .filter((one) => one.vm.vmId !== vm.vmId && isSameFile(one.vm.rootfsPath, vm.rootfsPath));
}

function isWriting({ vm, status }: VmRecord): boolean {
  return vm.diskMode === 'shared' && LIVE.has(status.state);
}

function retainedAbove(services: Services, { rootfsPath }: ResolvedVm): string | undefined {
  return listRetained(services).find(
    (disk) => disk.rootfsPath !== null && isSameFile(disk.rootfsPath, rootfsPath),
  )?.vmId;
}

function inUse({ vmId, rootfsPath }: ResolvedVm, user: string): SmolVMError {
  return new SmolVMError('BUSY', `VM '${user}' is using ${rootfsPath} as its shared disk`, {
    hint: `Stop it first: smolvm stop ${user}`,
    details: { vmId, usedBy: user, path: rootfsPath },
  });
}

function isBelow({ vmId, rootfsPath }: ResolvedVm, user: string): SmolVMError {
  return new SmolVMError(
    'BUSY',
    `the disk of VM '${user}' lies over ${rootfsPath}, which may not be written`,
    {
      hint: `Use a copy of the file, or delete that VM: smolvm delete ${user}`,
      details: { vmId, usedBy: user, path: rootfsPath },
    },
  );
}
