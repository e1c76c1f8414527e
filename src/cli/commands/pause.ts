import type { CliContext, Outcome } from '../context.ts';
import { withVm } from '../with-vm.ts';

/** `smolvm pause`: a paused VM is left as it is. */
export async function pause({ say }: CliContext, vmId: string): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    await vm.pause();
    say(`${vm.vmId} is paused`);
    return { data: { vmId: vm.vmId, state: vm.status } };
  });
}

/** `smolvm resume`: a running VM is left as it is. */
export async function resume({ say }: CliContext, vmId: string): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    await vm.resume();
    say(`${vm.vmId} is running`);
    return { data: { vmId: vm.vmId, state: vm.status } };
  });
}
