import { Deadline } from '../base/deadline.ts';
import { isSmolVMError, SmolVMError } from '../errors.ts';
import type { VmControl } from '../hypervisor/hypervisor.ts';
import { vmPaths } from '../spec/file-names.ts';
import type { VmRecord } from '../spec/vm-record.ts';
import { unknownBackend } from './console-log.ts';
import { findVm } from './find-vm.ts';
import { findSettledVm } from './reconcile.ts';
import type { Services } from './services.ts';
import { atWork } from './stop-vm.ts';

/** How long a VMM may take to halt or to go on, and others to give its line free. */
const CONTROL_TIMEOUT_MS = 10_000;

/** Halts a running guest. A paused VM is left as it is. */
export async function pauseVm(services: Services, vmId: string): Promise<void> {
  await withControl(services, { vmId, operation: 'pause' }, async (record, control, signal) => {
    if (record.status.state !== 'running') return;
    // Noted before it is done: a VM that is called paused and runs is mended by the next resume.
    const paused = services.store.move(record, { ...record.status, state: 'paused' });
    try {
      await control.pause(signal);
    } catch (error) {
      if (isSmolVMError(error, 'CONTROL_FAILED')) services.store.move(paused, record.status);
      throw error;
    }
  });
}

/** Lets a paused guest go on. A running VM is left as it is. */
export async function resumeVm(services: Services, vmId: string, outer?: AbortSignal): Promise<void> {
  await withControl(services, { vmId, operation: 'resume', outer }, async (record, control, signal) => {
    if (record.status.state !== 'paused') return;
    await control.resume(signal);
    services.store.move(record, { ...record.status, state: 'running' });
  });
}

interface Request {
  readonly vmId: string;
  readonly operation: 'pause' | 'resume';
  readonly outer?: AbortSignal | undefined;
}

/** The line to the VMM is held by one process at a time, so what is read while it is held stays true. */
async function withControl(
  services: Services,
  { vmId, operation, outer }: Request,
  use: (record: VmRecord, control: VmControl, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { vm } = requireVmm(await findSettledVm(services, vmId), operation);
  const hypervisor = services.hypervisors.find(({ name }) => name === vm.backend);
  if (hypervisor === undefined) throw unknownBackend(vm.backend);
  using deadline = new Deadline(`${operation} VM '${vmId}'`, CONTROL_TIMEOUT_MS, outer);
  const { controlSocket } = vmPaths(services.paths, vmId);
  using control = await hypervisor.control(controlSocket, deadline.signal);
  await use(requireVmm(findVm(services, vmId), operation), control, deadline.signal);
}

function requireVmm(record: VmRecord, operation: string): VmRecord {
  const { vm, status } = record;
  if ('by' in status) throw atWork(vm.vmId, status);
  if ('vmm' in status) return record;
  throw new SmolVMError(
    'WRONG_STATE',
    `VM '${vm.vmId}' is ${status.state}, there is nothing to ${operation}`,
    {
      hint: `Start it: smolvm start ${vm.vmId}`,
      details: { vmId: vm.vmId, state: status.state },
    },
  );
}
