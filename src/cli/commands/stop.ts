import type { StopOutcome } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { withVm } from '../with-vm.ts';

export interface StopRequest {
  readonly vmId: string;
  readonly timeoutMs: number | undefined;
}

const SENTENCES: Readonly<Record<StopOutcome, string>> = {
  wasNotRunning: 'was not running',
  graceful: 'is stopped',
  forced: 'did not power off in time and was ended by force',
};

/** `smolvm stop`: a VM that does not run is left as it is. */
export async function stop(context: CliContext, { vmId, timeoutMs }: StopRequest): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    context.say(`stopping ${vm.vmId}…`);
    const outcome = await vm.stop({ timeoutMs });
    context.say(`${vm.vmId} ${SENTENCES[outcome]}`);
    return { data: { vmId: vm.vmId, outcome } };
  });
}
