import type { CliContext, Outcome } from '../context.ts';
import type { GuestRequest } from '../requests.ts';
import { runInGuest } from '../run-in-guest.ts';
import { withVm } from '../with-vm.ts';

export interface ExecRequest {
  readonly vmId: string;
  readonly guest: GuestRequest;
}

/** `smolvm exec`: a command in a VM that runs already. */
export async function exec(context: CliContext, { vmId, guest }: ExecRequest): Promise<Outcome> {
  return withVm(vmId, (vm) => runInGuest(vm, guest, context));
}
