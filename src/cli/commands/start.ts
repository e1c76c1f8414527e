import type { CliContext, Outcome } from '../context.ts';
import type { StartRequest } from '../requests.ts';
import { startVm } from '../start-vm.ts';
import { withVm } from '../with-vm.ts';

export interface StartVmRequest {
  readonly vmId: string;
  readonly start: StartRequest;
}

/** `smolvm start`: boots a VM that exists. One that runs already is left as it is. */
export async function start(context: CliContext, request: StartVmRequest): Promise<Outcome> {
  return withVm(request.vmId, async (vm) => {
    await startVm(context, vm, request.start);
    return { data: { ...vm.info, timings: vm.timings ?? null } };
  });
}
