import type { CliContext, Outcome } from '../context.ts';
import { requireTerminal } from '../require-terminal.ts';
import type { ExecMode, GuestRequest } from '../requests.ts';
import { runInGuest } from '../run-in-guest.ts';
import { runOnTerminal } from '../run-on-terminal.ts';
import { startDetached } from '../start-detached.ts';
import { withVm } from '../with-vm.ts';

export interface ExecRequest {
  readonly vmId: string;
  readonly guest: GuestRequest;
  readonly mode: ExecMode;
}

const RUN = { streamed: runInGuest, onTerminal: runOnTerminal, detached: startDetached } as const;

/** `smolvm exec`: a command in a VM that runs already. */
export async function exec(context: CliContext, { vmId, guest, mode }: ExecRequest): Promise<Outcome> {
  if (mode === 'onTerminal') requireTerminal(context);
  return withVm(vmId, (vm) => RUN[mode](vm, guest, context));
}
