import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { regularFileProblem } from '../base/regular-file.ts';
import { imageIdentity } from '../disk/image-identity.ts';
import { growOverlay, inspectOverlay } from '../disk/overlay-file.ts';
import { ImageError } from '../errors.ts';
import type { BootDisk } from '../hypervisor/hypervisor.ts';
import { imagesFolder, vmPaths } from '../spec/file-names.ts';
import { mayLoseDisk, type ResolvedVm } from '../spec/vm-record.ts';
import type { Services } from './services.ts';

/** A disk that a guest may use now. */
export interface ReadyDisk {
  readonly disk: BootDisk;
  /** Is there more of it than the file system of the image can fill? */
  readonly isLargerThanImage: boolean;
}

/** Makes the files of a VM ready for a boot, or tells by name what is gone or has changed since it was made. */
export async function prepareDisk(services: Services, vm: ResolvedVm): Promise<ReadyDisk> {
  const initrd = vm.initrdPath === null ? [] : [vm.initrdPath];
  for (const path of [vm.kernelPath, ...initrd, vm.rootfsPath]) {
    const problem = regularFileProblem(path);
    if (problem !== undefined) throw cannotBoot(vm, problem, 'Put it back');
  }
  if (vm.diskMode === 'shared')
    return { disk: { kind: 'image', path: vm.rootfsPath }, isLargerThanImage: false };
  requireSameImage(services, vm);
  const paths = vmPaths(services.paths, vm.vmId);
  const state = inspectOverlay(paths.disk);
  if (!state.isSound) throw cannotBoot(vm, state.problem, 'Put its disk back');
  if (state.sizeBytes < vm.diskSizeBytes) await growOverlay(paths.disk, vm.diskSizeBytes);
  // From now on the disk is not the one any more that was retained.
  await rm(paths.retainedMarker, { force: true });
  return {
    disk: { kind: 'overlay', path: paths.disk, imagePath: vm.rootfsPath, mayBeLost: mayLoseDisk(vm) },
    isLargerThanImage: vm.diskSizeBytes > statSync(vm.rootfsPath).size,
  };
}

/** The VM's disk holds only what differs from its image; over another one it is no file system. */
function requireSameImage(services: Services, vm: ResolvedVm): void {
  if (vm.imageIdentity === null) return;
  if (vm.imageIdentity === imageIdentity(vm.rootfsPath, imagesFolder(services.paths))) return;
  throw cannotBoot(
    vm,
    `its image ${vm.rootfsPath} has changed since it was made`,
    'Put the image back as it was',
  );
}

function cannotBoot({ vmId }: ResolvedVm, why: string, cure: string): ImageError {
  return new ImageError(`VM '${vmId}' cannot boot: ${why}`, {
    hint: `${cure}, or delete the VM: smolvm delete ${vmId}`,
    details: { vmId },
  });
}
