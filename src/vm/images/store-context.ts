import { watched, type OnImageProgress } from '../../image/docker/image-progress.ts';
import { storePaths, type StorePaths } from '../../image/store/layout.ts';
import type { MakeHow } from '../../image/store/make-entry.ts';
import { SmolVMError } from '../../errors.ts';
import { imagesFolder } from '../../spec/file-names.ts';
import { hostArch, type GuestArch } from '../../spec/guest-arch.ts';
import type { Services } from '../services.ts';
import { changeUnused } from './image-users.ts';

/** Where named images are: always with the VMs that use them, so that uses can be counted. */
export function imageStore(services: Services): StorePaths {
  return storePaths(imagesFolder(services.paths));
}

/** How images are made for this caller. */
export function makeHow(
  services: Services,
  signal: AbortSignal,
  onProgress: OnImageProgress | undefined,
): MakeHow & { readonly tell: OnImageProgress } {
  const tell = watched(onProgress);
  return {
    store: imageStore(services),
    signal,
    tell,
    onWait: () => {
      tell({ step: 'wait' });
    },
    onDamage: (problem) => {
      tell({ step: 'damaged', problem });
    },
    replace: (path, change) => {
      changeUnused(services, path, 'the image, which is damaged and would be made again,', change);
    },
  };
}

/** The architecture of the guests of this host. */
export function ownArch(): GuestArch {
  const arch = hostArch();
  if (arch !== undefined) return arch;
  throw new SmolVMError('HYPERVISOR_UNAVAILABLE', `there are no guests for this host (${process.arch})`);
}
