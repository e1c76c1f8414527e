import type { Forward } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { addressOf, type PortPair } from '../port-request.ts';
import type { Style } from '../style.ts';
import { renderTable } from '../table.ts';
import { withVm } from '../with-vm.ts';

export interface PortRequest {
  readonly vmId: string;
  readonly ports: PortPair;
  /** Address of this host. */
  readonly host: string | undefined;
}

/** `smolvm port expose`: prints where to connect. */
export async function portExpose({ vmId, ports, host }: PortRequest): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    const forward = await vm.exposeLocal(ports.guestPort, ports.hostPort, { host });
    return { data: { vmId: vm.vmId, ...forward }, text: `${addressOf(forward)}\n` };
  });
}

/** `smolvm port close`: forwards that are not there are fine. */
export async function portClose({ say }: CliContext, { vmId, ports, host }: PortRequest): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    const closed = await vm.unexposeLocal(ports.guestPort, ports.hostPort, { host });
    if (closed.length === 0) say('there was no such forward');
    for (const forward of closed) say(`${addressOf(forward)} is closed`);
    return { data: { vmId: vm.vmId, closed } };
  });
}

/** `smolvm port list`. */
export async function portList({ style }: CliContext, vmId: string): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    const forwards = await vm.listExposed();
    return { data: { vmId: vm.vmId, forwards }, text: renderForwards(forwards, style) };
  });
}

/** Forwards → table, with a header also for none. */
export function renderForwards(forwards: readonly Forward[], style: Style): string {
  return renderTable([
    ['GUEST PORT', 'ADDRESS'].map((text) => ({ text, paint: style.bold })),
    ...forwards.map((forward) => [String(forward.guestPort), addressOf(forward)]),
  ]);
}

export interface PortWaitRequest {
  readonly vmId: string;
  readonly ports: readonly number[];
  readonly timeoutMs: number | undefined;
}

/** `smolvm port wait`. */
export async function portWait({ signal }: CliContext, request: PortWaitRequest): Promise<Outcome> {
  const { vmId, ports, timeoutMs } = request;
  return withVm(vmId, async (vm) => {
    await vm.waitForPorts(ports, { timeoutMs, signal });
    return { data: { vmId: vm.vmId, ports } };
  });
}
