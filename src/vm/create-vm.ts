import { mkdir, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Cleanup } from '../base/cleanup.ts';
import { Deadline } from '../base/deadline.ts';
import { ensurePrivateFolder } from '../base/private-folder.ts';
import { regularFileProblem } from '../base/regular-file.ts';
import { createOverlay } from '../disk/overlay.ts';
import { requireSpace } from '../disk/free-space.ts';
import { SmolVMError, toSmolVMError, ValidationError, VMAlreadyExistsError } from '../errors.ts';
import { ensureBaseImage } from '../image/base-image.ts';
import { imagesFolder, vmPaths, type VmPaths } from '../spec/file-names.ts';
import { mayLoseDisk, type ResolvedVm } from '../spec/vm-record.ts';
import type { VmSpec } from '../spec/vm-spec.ts';
import { chooseDisk, refuseLeftover, type ChosenDisk } from './choose-disk.ts';
import { chooseHypervisor } from './choose-hypervisor.ts';
import { requireUnusedDisk } from './disk-users.ts';
import { writeEnvFile } from './env-file.ts';
import { resolveBoot } from './resolve-boot.ts';
import { findRetained } from './retained-disk.ts';
import type { Services } from './services.ts';

/** How a new VM relates to its maker. */
export interface CreateOptions {
  /** Ends with this process, whatever ends it; nothing of it is made durable. */
  readonly ephemeral: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A VM that was made. */
export interface CreatedVm {
  readonly vmId: string;
  /** Is its disk one that an earlier VM has left? */
  readonly reusesDisk: boolean;
}

/**
 * Makes a VM: a row that says what is about to be made, then its folder and disk. Whatever fails, all of it is undone;
 * a disk that was there before is neither changed nor removed.
 */
export async function createVm(services: Services, spec: VmSpec, options: CreateOptions): Promise<CreatedVm> {
  using deadline = new Deadline(`create VM '${spec.vmId}'`, Infinity, options.signal);
  // A taken id is told as that, and not as what else is wrong with the request.
  if (services.store.find(spec.vmId) !== undefined) throw new VMAlreadyExistsError(spec.vmId);
  const { vm, disk } = await resolveVm(services, spec, options.ephemeral, deadline.signal);
  const undo = new Cleanup();
  const record = services.store.exclusively(() => {
    if (vm.diskMode === 'isolated') requireUnusedDisk(services, vm);
    return services.store.create(vm, { state: 'creating', by: services.self });
  });
  try {
    undo.defer(`remove the row of ${vm.vmId}`, () => {
      services.store.remove(record);
    });
    const paths = vmPaths(services.paths, vm.vmId);
    const durable = !mayLoseDisk(vm);
    await prepareFolder(paths, disk, undo);
    if (disk.retained === undefined && vm.diskMode === 'isolated')
      await createOverlay({
        path: paths.disk,
        backingPath: vm.rootfsPath,
        sizeBytes: vm.diskSizeBytes,
        durable,
      });
    await writeEnvFile(paths, spec.envVars, durable);
    deadline.signal.throwIfAborted();
    services.store.move(record, { state: 'created' });
    undo.keep();
    return { vmId: vm.vmId, reusesDisk: disk.retained !== undefined };
  } catch (error) {
    await undo.run();
    throw toSmolVMError(error, `create VM '${vm.vmId}'`);
  }
}

/** Makes the VM's folder, or takes over the one with the retained disk. */
async function prepareFolder(paths: VmPaths, { retained }: ChosenDisk, undo: Cleanup): Promise<void> {
  ensurePrivateFolder(dirname(paths.folder));
  requireSpace(dirname(paths.folder), 0);
  if (retained === undefined) {
    refuseLeftover(paths.folder);
    await mkdir(paths.folder, { mode: 0o700 });
    undo.defer(`remove ${paths.folder}`, () => rm(paths.folder, { recursive: true }));
    return;
  }
  // The id is ours only since the row is there.
  if (!isDeepStrictEqual(findRetained(paths, retained.vmId), retained))
    throw new SmolVMError('BUSY', `the retained disk of VM '${retained.vmId}' was changed meanwhile`, {
      hint: 'Look at it and try again: smolvm list --all',
    });
  undo.defer(`remove ${paths.envFile}`, () => rm(paths.envFile, { force: true }));
}

/** Spec → VM: nothing is left to choose, and all that it names exists. */
async function resolveVm(
  services: Services,
  spec: VmSpec,
  ephemeral: boolean,
  signal: AbortSignal,
): Promise<{ readonly vm: ResolvedVm; readonly disk: ChosenDisk }> {
  const base = await ensureBaseImage(services.assetsFolder, imagesFolder(services.paths));
  const { hypervisor } = await chooseHypervisor(services, spec.backend, base.kernelPath, signal);
  const kernelPath = resolve(spec.kernelPath ?? base.kernelPath);
  const rootfsPath = resolve(spec.rootfsPath ?? base.rootfsPath);
  const problem = regularFileProblem(kernelPath);
  if (problem !== undefined) throw new ValidationError('VM options', [`kernelPath: ${problem}`]);
  const disk = chooseDisk(services, spec, rootfsPath);
  const vm = Object.freeze({
    vmId: spec.vmId,
    vcpuCount: spec.vcpuCount,
    memSizeMib: spec.memSizeMib,
    backend: hypervisor.name,
    kernelPath,
    rootfsPath,
    bootArgs: spec.bootArgs,
    ...resolveBoot(spec, {
      backend: hypervisor.name,
      initrdPath: base.initrdPath,
      verboseBoot: services.verboseBoot,
    }),
    channel: spec.channel,
    diskMode: spec.diskMode,
    retainDiskOnDelete: spec.retainDiskOnDelete,
    diskSizeBytes: disk.diskSizeBytes,
    imageIdentity: disk.imageIdentity,
    owner: ephemeral ? services.self : null,
  });
  return { vm, disk };
}
