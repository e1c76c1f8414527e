import { isSmolVMError, SmolVM } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { machineOf } from '../read-config.ts';
import type { GuestRequest, MachineRequest, StartRequest } from '../requests.ts';
import { runInGuest } from '../run-in-guest.ts';
import { reportStart } from '../start-report.ts';

export interface RunRequest {
  readonly machine: MachineRequest;
  readonly start: StartRequest;
  readonly guest: GuestRequest;
}

/** `smolvm run`: a VM for one command. Whatever happens, nothing of the VM is left. */
export async function run(context: CliContext, { machine, start, guest }: RunRequest): Promise<Outcome> {
  const options = await machineOf(machine);
  context.say('starting…');
  const vm = await SmolVM.launch(options, { ...start.options, signal: context.signal });
  try {
    reportStart(context, vm.timings, start.timings);
    const { data, exitCode = 0 } = await runInGuest(vm, guest, context);
    return { data: { ...data, timings: vm.timings ?? null }, exitCode };
  } finally {
    await remove(vm);
  }
}

/** Not stopped first: nothing of its disk outlives it. If somebody else deleted it meanwhile, that is as good. */
async function remove(vm: SmolVM): Promise<void> {
  try {
    await vm.delete();
  } catch (error) {
    if (!isSmolVMError(error, 'VM_NOT_FOUND')) throw error;
  } finally {
    await vm.close();
  }
}
