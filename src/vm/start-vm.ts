import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Cleanup } from '../base/cleanup.ts';
import { Deadline } from '../base/deadline.ts';
import { ensurePrivateFolder } from '../base/private-folder.ts';
import { regularFileProblem } from '../base/regular-file.ts';
import { Stopwatch, type TimedStep } from '../base/stopwatch.ts';
import { ImageError, toSmolVMError } from '../errors.ts';
import type { Acceleration } from '../hypervisor/hypervisor.ts';
import { launch, protectSockets } from '../hypervisor/launch.ts';
import { AGENT_PORT_COUNT, agentSocket, vmPaths } from '../spec/file-names.ts';
import type { ResolvedVm, VmRecord } from '../spec/vm-record.ts';
import { awaitGuest } from './await-guest.ts';
import { chooseHypervisor } from './choose-hypervisor.ts';
import { killVmm, removeRunFolder } from './kill-vmm.ts';
import { findSettledVm } from './reconcile.ts';
import type { Services } from './services.ts';

/** Where each millisecond of a start went. */
export interface StartTimings {
  /** `cold`: the guest's kernel booted. */
  readonly path: 'cold';
  readonly totalMs: number;
  readonly steps: readonly TimedStep[];
  readonly acceleration: Acceleration;
}

/** What a start may take. */
export interface StartOptions {
  readonly bootTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Boots a VM; returns when it takes commands. A VM that runs already is left alone (undefined is returned). If
 * anything fails, the VMM is gone again, the VM is `failed` with the reason, and the reason is thrown.
 */
export async function startVm(
  services: Services,
  vmId: string,
  options: StartOptions,
): Promise<StartTimings | undefined> {
  const record = await findSettledVm(services, vmId);
  if (record.status.state === 'running') return undefined;
  using deadline = new Deadline(`start VM '${vmId}'`, options.bootTimeoutMs, options.signal);
  deadline.signal.throwIfAborted();
  const undo = new Cleanup();
  const starting = services.store.move(record, { state: 'starting', by: services.self });
  let reason = 'unknown';
  undo.defer('record the failure', () => {
    services.store.move(starting, { state: 'failed', reason });
  });
  try {
    return await boot(services, starting, undo, deadline);
  } catch (error) {
    const failure = toSmolVMError(error, `start VM '${vmId}'`);
    reason = failure.message;
    await undo.run();
    throw failure;
  }
}

/** The straight list of steps; each pushes its undo. */
async function boot(
  services: Services,
  starting: VmRecord,
  undo: Cleanup,
  deadline: Deadline,
): Promise<StartTimings> {
  const { vm } = starting;
  const { signal } = deadline;
  const watch = new Stopwatch();
  const paths = vmPaths(services.paths, vm.vmId);
  requireFiles(vm);
  const { hypervisor, support } = await chooseHypervisor(services, vm.backend, vm.kernelPath, signal);
  watch.mark('probe');

  // A VMM that died unnoticed leaves a session behind that is not yet known to be lost.
  await services.channels.close(vm.vmId);
  await removeRunFolder(paths);
  ensurePrivateFolder(dirname(paths.runFolder));
  undo.defer(`remove ${paths.runFolder}`, () => removeRunFolder(paths));
  await mkdir(paths.runFolder, { mode: 0o700 });
  const agentSockets = Array.from({ length: AGENT_PORT_COUNT }, (_, port) => agentSocket(paths, port));
  const { controlSocket, marker, disk } = paths;
  const plan = hypervisor.plan({ vm, support, diskPath: disk, controlSocket, agentSockets, marker });
  const site = { logPath: paths.vmmLog, refPath: paths.vmmRef, dieWithUs: vm.owner !== null };
  const launched = await launch(plan, site);
  undo.defer('end the VMM', () => killVmm(launched.vmm));
  watch.mark('spawn');

  undo.defer('close the session', () => services.channels.close(vm.vmId));
  const ephemeral = vm.owner !== null;
  await awaitGuest({ services, hypervisor, paths, vmId: vm.vmId, launched, ephemeral, watch, signal });
  protectSockets(plan);
  services.store.move(starting, { state: 'running', vmm: launched.vmm });
  undo.keep();
  watch.mark('ready');
  return { path: 'cold', totalMs: watch.totalMs, steps: watch.steps, acceleration: support.acceleration };
}

/** A record outlives the files that it names: what is gone is told by name, not by the VMM. */
function requireFiles({ vmId, kernelPath, initrdPath, rootfsPath }: ResolvedVm): void {
  for (const path of [kernelPath, initrdPath, rootfsPath]) {
    const problem = regularFileProblem(path);
    if (problem === undefined) continue;
    throw new ImageError(`VM '${vmId}' cannot boot: ${problem}`, {
      hint: `Put it back, or delete the VM: smolvm delete ${vmId}`,
      details: { vmId, path },
    });
  }
}
