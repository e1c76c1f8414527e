import { Deadline } from '../../base/deadline.ts';
import { CommandExecutionUnavailableError, OperationTimeoutError } from '../../errors.ts';
import type { GuestChannel } from '../../guest/guest-channel.ts';
import type { VmRecord } from '../../spec/vm-record.ts';
import { findVm } from '../find-vm.ts';
import type { Services } from '../services.ts';

/** How long a guest may take to take a command at all. */
const CONNECT_TIMEOUT_MS = 10_000;

/** This process's session with a running VM, opened where there is none. */
export async function openSession(
  services: Services,
  vmId: string,
  signal: AbortSignal,
): Promise<GuestChannel> {
  requireRunning(findVm(services, vmId));
  const session = services.channels.opened(vmId);
  if (session !== undefined) return session;
  using deadline = new Deadline(`connect to VM '${vmId}'`, CONNECT_TIMEOUT_MS, signal);
  try {
    return await services.channels.get(vmId, deadline.signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OperationTimeoutError)) throw error;
    throw new CommandExecutionUnavailableError(`the agent in VM '${vmId}' does not answer`, {
      hint: `The guest hangs or was changed from inside. See: smolvm logs ${vmId}; end it: smolvm stop ${vmId}`,
      cause: error,
    });
  }
}

/** A running VM takes commands; any other says how to get there. */
export function requireRunning({ vm, status }: VmRecord): void {
  if (status.state === 'running') return;
  throw new CommandExecutionUnavailableError(
    `VM '${vm.vmId}' is ${status.state}, commands need a running VM`,
    {
      hint:
        status.state === 'paused'
          ? `Let it go on: smolvm resume ${vm.vmId}`
          : `Start it: smolvm start ${vm.vmId}`,
      details: { vmId: vm.vmId, state: status.state },
    },
  );
}
