import { CommandExecutionUnavailableError } from '../errors.ts';
import type { VmRecord } from '../spec/vm-record.ts';

/** Refuses what needs the guest to run, while it is paused. */
export function refusePaused({ vm, status }: VmRecord): void {
  if (status.state !== 'paused') return;
  throw new CommandExecutionUnavailableError(`VM '${vm.vmId}' is paused, commands need a running VM`, {
    hint: `Let it go on: smolvm resume ${vm.vmId}`,
    details: { vmId: vm.vmId, state: 'paused' },
  });
}
