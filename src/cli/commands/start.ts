import type { CliContext, Outcome } from '../context.ts';
import type { StartRequest } from '../requests.ts';
import { reportStart } from '../start-report.ts';
import { withVm } from '../with-vm.ts';

export interface StartVmRequest {
  readonly vmId: string;
  readonly start: StartRequest;
}

/** `smolvm start`: boots a VM that exists. One that runs already is left as it is. */
export async function start(context: CliContext, { vmId, start: wanted }: StartVmRequest): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    context.say(`starting ${vm.vmId}…`);
    await vm.start({ ...wanted.options, signal: context.signal });
    reportStart(context, vm.timings, wanted.timings);
    context.say(vm.timings === undefined ? `${vm.vmId} was running already` : `${vm.vmId} is running`);
    return { data: { ...vm.info, timings: vm.timings ?? null } };
  });
}
