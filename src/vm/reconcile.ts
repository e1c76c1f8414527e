import { isAlive } from '../base/process-ref.ts';
import { isSmolVMError } from '../errors.ts';
import { vmPaths } from '../spec/file-names.ts';
import type { VmRecord, VmState } from '../spec/vm-record.ts';
import { findVm } from './find-vm.ts';
import { killStrayVmms, killVmm, removeRunFolder } from './kill-vmm.ts';
import { removeRemains } from './remove-files.ts';
import type { Services } from './services.ts';

/**
 * Brings each record in line with what is true: VMMs that ended, operations whose process died, VMs that must not
 * outlive their owner. Done whenever a host is opened; two processes doing it at once do it once.
 */
export async function reconcile(services: Services): Promise<void> {
  for (const record of services.store.list().records) await reconcileVm(services, record);
}

/** The same for one VM. */
export async function reconcileVm(services: Services, record: VmRecord): Promise<void> {
  const repair = repairOf(record);
  if (repair === undefined) return;
  try {
    await repairs[repair](services, record);
  } catch (error) {
    // Another process was faster; then it is its job.
    if (!isSmolVMError(error, 'BUSY') && !isSmolVMError(error, 'VM_NOT_FOUND')) throw error;
  }
}

/** The stored VM, after what a dead process left half done was put right: a host may be open for long. */
export async function findSettledVm(services: Services, vmId: string): Promise<VmRecord> {
  await reconcileVm(services, findVm(services, vmId));
  return findVm(services, vmId);
}

type Repair = 'remove' | 'fail' | 'stop';

/** What is wrong with a record in which nobody lives who could put it right. */
const REPAIR_OF_STATE: Readonly<Record<VmState, Repair | undefined>> = {
  creating: 'remove',
  deleting: 'remove',
  starting: 'fail',
  running: 'stop',
  paused: 'stop',
  stopping: 'stop',
  created: undefined,
  stopped: undefined,
  failed: undefined,
};

/** Decides by the record and by which of its processes live. */
function repairOf({ vm, status }: VmRecord): Repair | undefined {
  if ('by' in status && isAlive(status.by)) return undefined;
  if (vm.owner !== null && !isAlive(vm.owner)) return 'remove';
  if ((status.state === 'running' || status.state === 'paused') && isAlive(status.vmm)) return undefined;
  return REPAIR_OF_STATE[status.state];
}

const repairs: Readonly<Record<Repair, (services: Services, record: VmRecord) => Promise<void>>> = {
  remove: async (services, record) => {
    const claimed = await settle(services, record);
    const deleting = services.store.move(claimed, { state: 'deleting', by: services.self });
    if ('vmm' in record.status) await killVmm(record.status.vmm);
    await killStrayVmms(vmPaths(services.paths, record.vm.vmId));
    await removeRemains(services, record);
    services.store.remove(deleting);
  },
  fail: async (services, record) => {
    const paths = vmPaths(services.paths, record.vm.vmId);
    await killStrayVmms(paths);
    await removeRunFolder(paths);
    failed(services, record);
  },
  stop: async (services, record) => {
    await stopped(services, record);
  },
};

/** Brings a VM whose start or stop was cut off to a state from which it may be deleted. */
async function settle(services: Services, record: VmRecord): Promise<VmRecord> {
  if (record.status.state === 'stopping') return stopped(services, record);
  return record.status.state === 'starting' ? failed(services, record) : record;
}

function failed(services: Services, record: VmRecord): VmRecord {
  return services.store.move(record, {
    state: 'failed',
    reason: 'the process that started it died before the guest was ready',
  });
}

async function stopped(services: Services, record: VmRecord): Promise<VmRecord> {
  const paths = vmPaths(services.paths, record.vm.vmId);
  if ('vmm' in record.status) await killVmm(record.status.vmm);
  await removeRunFolder(paths);
  return services.store.move(record, { state: 'stopped' });
}
