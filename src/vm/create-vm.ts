import { statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Cleanup } from '../base/cleanup.ts';
import { Deadline } from '../base/deadline.ts';
import { ensurePrivateFolder } from '../base/private-folder.ts';
import { regularFileProblem } from '../base/regular-file.ts';
import { createOverlay } from '../disk/overlay.ts';
import { requireSpace } from '../disk/free-space.ts';
import { errnoOf, SmolVMError, toSmolVMError, ValidationError } from '../errors.ts';
import { ensureBaseImage } from '../image/base-image.ts';
import { imagesFolder, vmPaths } from '../spec/file-names.ts';
import type { ResolvedVm, VmRecord } from '../spec/vm-record.ts';
import type { VmSpec } from '../spec/vm-spec.ts';
import { chooseHypervisor } from './choose-hypervisor.ts';
import { writeEnvFile } from './env-file.ts';
import type { Services } from './services.ts';

/** How a new VM relates to its maker. */
export interface CreateOptions {
  /** Ends with this process, whatever ends it; nothing of it is made durable. */
  readonly ephemeral: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a VM: a row that says what is about to be made, then its folder and disk. Whatever fails, all of it is undone.
 */
export async function createVm(services: Services, spec: VmSpec, options: CreateOptions): Promise<VmRecord> {
  refuseUnfinished(spec);
  using deadline = new Deadline(`create VM '${spec.vmId}'`, Infinity, options.signal);
  const vm = await resolveVm(services, spec, options.ephemeral, deadline.signal);
  const paths = vmPaths(services.paths, vm.vmId);
  const { folder, disk } = paths;
  const undo = new Cleanup();
  const record = services.store.create(vm, { state: 'creating', by: services.self });
  try {
    undo.defer(`remove the row of ${vm.vmId}`, () => {
      services.store.remove(record);
    });
    ensurePrivateFolder(dirname(folder));
    requireSpace(dirname(folder), 0);
    await makeFolder(folder);
    undo.defer(`remove ${folder}`, () => rm(folder, { recursive: true }));
    const durable = !options.ephemeral;
    await createOverlay({ path: disk, backingPath: vm.rootfsPath, sizeBytes: vm.diskSizeBytes, durable });
    await writeEnvFile(paths, spec.envVars, durable);
    deadline.signal.throwIfAborted();
    const created = services.store.move(record, { state: 'created' });
    undo.keep();
    return created;
  } catch (error) {
    await undo.run();
    throw toSmolVMError(error, `create VM '${vm.vmId}'`);
  }
}

/** Spec → VM: nothing is left to choose, and all that it names exists. */
async function resolveVm(
  services: Services,
  spec: VmSpec,
  ephemeral: boolean,
  signal: AbortSignal,
): Promise<ResolvedVm> {
  const base = await ensureBaseImage(services.assetsFolder, imagesFolder(services.paths));
  const { hypervisor } = await chooseHypervisor(services, spec.backend, base.kernelPath, signal);
  const kernelPath = resolve(spec.kernelPath ?? base.kernelPath);
  const rootfsPath = resolve(spec.rootfsPath ?? base.rootfsPath);
  sizeOfFile('kernelPath', kernelPath);
  return Object.freeze({
    vmId: spec.vmId,
    vcpuCount: spec.vcpuCount,
    memSizeMib: spec.memSizeMib,
    backend: hypervisor.name,
    kernelPath,
    initrdPath: base.initrdPath,
    rootfsPath,
    bootArgs: spec.bootArgs,
    diskMode: spec.diskMode,
    retainDiskOnDelete: spec.retainDiskOnDelete,
    diskSizeBytes: sizeOfFile('rootfsPath', rootfsPath),
    owner: ephemeral ? services.self : null,
  });
}

function sizeOfFile(option: string, path: string): number {
  const problem = regularFileProblem(path) ?? (statSync(path).size > 0 ? undefined : `${path} is empty`);
  if (problem === undefined) return statSync(path).size;
  throw new ValidationError('VM options', [`${option}: ${problem}`]);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    throw new SmolVMError('HOST_FAILED', `${path} exists although there is no VM of that name`, {
      hint: `It is a leftover that smolvm did not make or could not remove. Look at it, then: rm -r ${path}`,
      cause: error,
    });
  }
}

function refuseUnfinished({ diskMode, diskSizeMib, retainDiskOnDelete }: VmSpec): void {
  if (diskMode === 'isolated' && diskSizeMib === null && !retainDiskOnDelete) return;
  throw new ValidationError('VM options', ['diskMode, diskSizeMib, retainDiskOnDelete: are not there yet']);
}
