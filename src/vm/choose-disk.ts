import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { regularFileProblem } from '../base/regular-file.ts';
import { imageIdentity, isOurImage } from '../disk/image-identity.ts';
import { SmolVMError, toSmolVMError, ValidationError } from '../errors.ts';
import { diskSizeBytes } from '../spec/disk-size.ts';
import { imagesFolder, vmPaths } from '../spec/file-names.ts';
import type { ResolvedVm } from '../spec/vm-record.ts';
import type { VmSpec } from '../spec/vm-spec.ts';
import { findRetained, hasMarker, unusable, type RetainedDisk } from './retained-disk.ts';
import type { Services } from './services.ts';

/** The disk that a new VM will have. */
export interface ChosenDisk extends Pick<ResolvedVm, 'diskSizeBytes' | 'imageIdentity'> {
  /** Left by an earlier VM of this id; undefined: it is to be made. */
  readonly retained: RetainedDisk | undefined;
}

/** Decides about the disk of a new VM. Changes nothing. */
export function chooseDisk(services: Services, spec: VmSpec, rootfsPath: string): ChosenDisk {
  const imageBytes = sizeOfImage(rootfsPath);
  return spec.diskMode === 'shared'
    ? sharedDisk(services, spec, rootfsPath)
    : isolatedDisk(services, spec, rootfsPath, imageBytes);
}

function sharedDisk(services: Services, { vmId }: VmSpec, path: string): ChosenDisk {
  if (isOurImage(path, imagesFolder(services.paths)))
    throw new ValidationError('VM options', [
      `rootfsPath: ${path} is an image of smolvm, which is never written, so it cannot be a shared disk`,
    ]);
  requireWritable(path);
  const paths = vmPaths(services.paths, vmId);
  if (hasMarker(paths)) throw unusable(vmId, 'this VM would have a shared disk');
  return { diskSizeBytes: statSync(path).size, imageIdentity: null, retained: undefined };
}

function isolatedDisk(services: Services, spec: VmSpec, imagePath: string, imageBytes: number): ChosenDisk {
  const identity = imageIdentity(imagePath, imagesFolder(services.paths));
  const retained = findRetained(vmPaths(services.paths, spec.vmId), spec.vmId);
  if (retained !== undefined && retained.imageIdentity !== identity)
    throw unusable(spec.vmId, ...whyAnotherImage(retained, imagePath));
  return {
    diskSizeBytes:
      retained === undefined
        ? diskSizeBytes(spec.diskSizeMib, imageBytes, `the image ${imagePath}`)
        : diskSizeBytes(spec.diskSizeMib, retained.sizeBytes, 'the retained disk'),
    imageIdentity: identity,
    retained,
  };
}

function whyAnotherImage({ imagePath }: RetainedDisk, asked: string): readonly [why: string, cure: string] {
  return imagePath === asked
    ? [`its image ${asked} has changed since`, 'Put the image back as it was. ']
    : [`it lies over ${imagePath}, not over ${asked}`, `Use that image: rootfsPath ${imagePath}. `];
}

function sizeOfImage(path: string): number {
  const problem = regularFileProblem(path) ?? (statSync(path).size > 0 ? undefined : `${path} is empty`);
  if (problem === undefined) return statSync(path).size;
  throw new ValidationError('VM options', [`rootfsPath: ${problem}`]);
}

function requireWritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw toSmolVMError(error, `use ${path} as a shared disk`);
  }
}

/** A folder that no VM of ours has, without a disk that was kept on purpose, is not touched. */
export function refuseLeftover(folder: string): void {
  if (!existsSync(folder)) return;
  throw new SmolVMError('HOST_FAILED', `${folder} exists although there is no VM of that name`, {
    hint: `It is a leftover that smolvm did not make or could not remove. Look at it, then: rm -r ${folder}`,
  });
}
