import { VMNotFoundError } from '../errors.ts';
import { parseVmId } from '../spec/vm-id.ts';
import type { VmRecord } from '../spec/vm-record.ts';
import type { Services } from './services.ts';

/** The stored VM. Fails with `INVALID_ARGUMENT`, `VM_NOT_FOUND` or `STORE_INVALID`. */
export function findVm(services: Services, vmId: unknown): VmRecord {
  const id = parseVmId(vmId);
  const record = services.store.find(id);
  if (record === undefined) throw new VMNotFoundError(id);
  return record;
}
