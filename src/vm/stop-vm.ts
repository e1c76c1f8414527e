import { Deadline } from '../base/deadline.ts';
import { isAlive, waitForExit, type ProcessRef } from '../base/process-ref.ts';
import { isSmolVMError, SmolVMError } from '../errors.ts';
import { vmPaths } from '../spec/file-names.ts';
import type { VmRecord, VmStatus } from '../spec/vm-record.ts';
import { saveConsole } from './console-log.ts';
import { killVmm, removeRunFolder } from './kill-vmm.ts';
import { findSettledVm } from './reconcile.ts';
import type { Services } from './services.ts';

/** How a VM came to its end. */
export type StopOutcome = 'wasNotRunning' | 'graceful' | 'forced';

/** What a stop may take. */
export interface StopOptions {
  /** Milliseconds for the guest to end by itself; then it is ended. */
  readonly timeoutMs: number;
}

/**
 * Stops a VM: asks the guest to end its processes, sync and power off; a guest that does not within the time is
 * killed. A VM that does not run is left as it is. Where no agent is, nobody can be asked: such a guest is ended at once.
 */
export async function stopVm(services: Services, vmId: string, options: StopOptions): Promise<StopOutcome> {
  const record = await findSettledVm(services, vmId);
  if ('by' in record.status) throw atWork(vmId, record.status);
  if (!('vmm' in record.status)) return 'wasNotRunning';
  const { vmm } = record.status;
  const stopping = services.store.move(record, { state: 'stopping', by: services.self, vmm });
  const graceful = await askGuest(services, record, vmm, options.timeoutMs);
  await killVmm(vmm);
  await services.channels.close(vmId);
  await removeRunFolder(vmPaths(services.paths, vmId));
  services.store.move(stopping, { state: 'stopped' });
  return graceful ? 'graceful' : 'forced';
}

/** Somebody is starting, stopping or deleting the VM: what it will be in a moment is not known yet. */
export function atWork(
  vmId: string,
  { state, by }: Extract<VmStatus, { readonly by: ProcessRef }>,
): SmolVMError {
  return new SmolVMError('BUSY', `VM '${vmId}' is ${state}, by process ${String(by.pid)}`, {
    hint: 'Try again when that is done: smolvm list',
    details: { vmId, state, pid: by.pid },
  });
}

/** Half of the time is for the processes in the guest, the rest for syncing and powering off. */
const GRACE_SHARE = 0.5;

async function askGuest(
  services: Services,
  record: VmRecord,
  vmm: ProcessRef,
  timeoutMs: number,
): Promise<boolean> {
  const { vmId } = record.vm;
  using deadline = new Deadline(`stop VM '${vmId}'`, timeoutMs);
  try {
    await prepareGuest(services, record, deadline.signal);
    if ('agentless' in record.status) return false;
    const channel = await services.channels.get(vmId, deadline.signal);
    await channel.shutdown(Math.floor(timeoutMs * GRACE_SHARE), deadline.signal);
    await waitForExit(vmm, deadline.signal);
    return true;
  } catch (error) {
    // A guest that is mute, lost or too slow is ended by force; anything else is a failure of ours.
    if (isSmolVMError(error) && error.code !== 'INTERNAL') return !isAlive(vmm) && error.code === 'VM_EXITED';
    throw error;
  }
}

/** Keeps the console of a VM that stays, and lets a guest that is paused go on: halted it hears nothing. */
async function prepareGuest(
  services: Services,
  { vm, status }: VmRecord,
  signal: AbortSignal,
): Promise<void> {
  const [keepsConsole, isPaused] = [vm.owner === null, status.state === 'paused'];
  const hypervisor = services.hypervisors.find(({ name }) => name === vm.backend);
  if (hypervisor === undefined || (!keepsConsole && !isPaused)) return;
  const paths = vmPaths(services.paths, vm.vmId);
  using control = await hypervisor.control(paths.controlSocket, signal);
  if (isPaused) await control.resume(signal);
  if (keepsConsole) await saveConsole(paths, control, signal);
}
