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
  return openSessionOf(services, findVm(services, vmId), signal);
}

/** The same for a record that was just read. */
export async function openSessionOf(
  services: Services,
  record: VmRecord,
  signal: AbortSignal,
): Promise<GuestChannel> {
  requireRunning(record);
  const { vmId } = record.vm;
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

/** Does a VM take commands now? */
export function takesCommands({ status }: VmRecord): boolean {
  return status.state === 'running' && status.agentless !== true;
}

/** A running VM takes commands, unless nobody answers in it; any other says how to get there. */
export function requireRunning(record: VmRecord): void {
  const { vm, status } = record;
  if (takesCommands(record)) return;
  if (status.state === 'running') throw noAgent(vm.vmId);
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

function noAgent(vmId: string): CommandExecutionUnavailableError {
  return new CommandExecutionUnavailableError(
    `VM '${vmId}' boots the init of its image, and no agent of smolvm answers in it`,
    {
      hint: "Boot the image with boot: 'agent', or with smolvm's agent as its init.",
      details: { vmId, state: 'running' },
    },
  );
}
