import type { SmolVM } from '../index.ts';
import type { CliContext } from './context.ts';
import type { StartRequest } from './requests.ts';
import { reportStart } from './start-report.ts';

/** Starts a VM and tells a person about it. */
export async function startVm(context: CliContext, vm: SmolVM, start: StartRequest): Promise<void> {
  context.say(`starting ${vm.vmId}…`);
  await vm.start({ ...start.options, signal: context.signal });
  reportStart(context, vm.timings, start.timings);
  context.say(vm.timings === undefined ? `${vm.vmId} was running already` : `${vm.vmId} is running`);
}
