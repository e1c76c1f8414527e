import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Cleanup } from '../base/cleanup.ts';
import { Deadline } from '../base/deadline.ts';
import { ensurePrivateFolder } from '../base/private-folder.ts';
import { Stopwatch, type TimedStep } from '../base/stopwatch.ts';
import { toSmolVMError } from '../errors.ts';
import type { Acceleration } from '../hypervisor/hypervisor.ts';
import { launch, protectSockets } from '../hypervisor/launch.ts';
import { AGENT_PORT_COUNT, agentSocket, vmPaths } from '../spec/file-names.ts';
import type { VmRecord } from '../spec/vm-record.ts';
import { awaitGuest } from './await-guest.ts';
import { chooseHypervisor } from './choose-hypervisor.ts';
import { requireUnusedDisk, sharersOf } from './disk-users.ts';
import type { Connect } from './files/run-tool.ts';
import { growRoot } from './grow-root.ts';
import { injectEnv, requireNoEnv } from './inject-env.ts';
import { killVmm, removeRunFolder } from './kill-vmm.ts';
import { makeTransferArea } from './make-transfer-area.ts';
import { resumeVm } from './pause-vm.ts';
import { prepareDisk } from './prepare-disk.ts';
import { findSettledVm, reconcileVm } from './reconcile.ts';
import type { Services } from './services.ts';
import { isPortTaken, prepareSsh, reachBySsh } from './ssh/prepare-ssh.ts';

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
 * Boots a VM; returns when it takes commands. A VM that runs already is left alone, a paused one resumed
 * (undefined is returned). If
 * anything fails, the VMM is gone again, the VM is `failed` with the reason, and the reason is thrown.
 */
export async function startVm(
  services: Services,
  vmId: string,
  options: StartOptions,
): Promise<StartTimings | undefined> {
  const record = await findSettledVm(services, vmId);
  if (record.status.state === 'running') return undefined;
  if (record.status.state === 'paused') {
    await resumeVm(services, vmId, options.signal);
    return undefined;
  }
  using deadline = new Deadline(`start VM '${vmId}'`, options.bootTimeoutMs, options.signal);
  deadline.signal.throwIfAborted();
  const undo = new Cleanup();
  const starting = await claim(services, record);
  let reason = 'unknown';
  undo.defer('record the failure', () => {
    services.store.move(starting, { state: 'failed', reason });
  });
  try {
    return await bootOnFreePort(services, starting, undo, deadline);
  } catch (error) {
    const failure = toSmolVMError(error, `start VM '${vmId}'`);
    reason = failure.message;
    await undo.run();
    throw failure;
  }
}

/** Moves the VM to `starting`, unless that would let two VMs write one disk. */
async function claim(services: Services, record: VmRecord): Promise<VmRecord> {
  for (const sharer of sharersOf(services, record.vm)) await reconcileVm(services, sharer);
  return services.store.exclusively(() => {
    requireUnusedDisk(services, record.vm);
    return services.store.move(record, { state: 'starting', by: services.self });
  });
}

/** A port that was free a moment ago may be taken when the VMM wants it: then with another one. */
async function bootOnFreePort(
  services: Services,
  starting: VmRecord,
  undo: Cleanup,
  deadline: Deadline,
): Promise<StartTimings> {
  const avoid = new Set<number>();
  for (;;) {
    const attempt = new Cleanup();
    try {
      const timings = await boot({ services, starting, avoid }, attempt, deadline);
      undo.keep();
      return timings;
    } catch (error) {
      await attempt.run();
      const port = services.store.sshPort(starting.vm.vmId);
      if (!isPortTaken(services, starting.vm, error) || port === undefined || avoid.size >= MAX_TAKEN_PORTS)
        throw error;
      avoid.add(port);
    }
  }
}

const MAX_TAKEN_PORTS = 8;

/** What is to be booted. */
interface Boot {
  readonly services: Services;
  readonly starting: VmRecord;
  /** Ports for SSH that turned out to be taken. */
  readonly avoid: ReadonlySet<number>;
}

/** The straight list of steps; each pushes its undo. */
async function boot(
  { services, starting, avoid }: Boot,
  undo: Cleanup,
  deadline: Deadline,
): Promise<StartTimings> {
  const { vm } = starting;
  const { signal } = deadline;
  const watch = new Stopwatch();
  const paths = vmPaths(services.paths, vm.vmId);
  const { disk, isLargerThanImage } = await prepareDisk(services, vm);
  const { hypervisor, support } = await chooseHypervisor(services, vm.backend, vm.kernelPath, signal);
  watch.mark('probe');

  // A VMM that died unnoticed leaves a session behind that is not yet known to be lost.
  await services.channels.close(vm.vmId);
  await removeRunFolder(paths);
  ensurePrivateFolder(dirname(paths.runFolder));
  undo.defer(`remove ${paths.runFolder}`, () => removeRunFolder(paths));
  await mkdir(paths.runFolder, { mode: 0o700 });
  await makeTransferArea(paths.transferArea);
  const agentSockets = Array.from({ length: AGENT_PORT_COUNT }, (_, port) => agentSocket(paths, port));
  const { controlSocket, marker, transferArea } = paths;
  const ssh = await prepareSsh(services, vm, avoid, signal);
  const plan = hypervisor.plan({ vm, support, disk, transferArea, controlSocket, agentSockets, marker, ssh });
  const site = { logPath: paths.vmmLog, refPath: paths.vmmRef, dieWithUs: vm.owner !== null };
  const launched = await launch(plan, site);
  undo.defer('end the VMM', () => killVmm(launched.vmm));
  watch.mark('spawn');

  undo.defer('close the session', () => services.channels.close(vm.vmId));
  const ephemeral = vm.owner !== null;
  const { vmId, boot: how } = vm;
  const guest = { services, hypervisor, paths, vmId, boot: how, launched, ephemeral, watch, signal };
  const answerer = await awaitGuest(guest);
  if (vm.channel === 'ssh') await reachBySsh(services, vm, answerer, signal);
  if (answerer === 'agent' || vm.channel === 'ssh') {
    const connect: Connect = (until) => services.channels.get(vmId, until);
    if (isLargerThanImage) await growRoot(connect, signal);
    await injectEnv(connect, paths, signal);
  } else {
    requireNoEnv(vmId, paths);
  }
  protectSockets(plan);
  const running = { state: 'running', vmm: launched.vmm } as const;
  services.store.move(starting, answerer === 'agent' ? running : { ...running, agentless: true });
  undo.keep();
  watch.mark('ready');
  return { path: 'cold', totalMs: watch.totalMs, steps: watch.steps, acceleration: support.acceleration };
}
