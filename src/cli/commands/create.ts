import { SmolVM } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { ProgressView } from '../progress-view.ts';
import { machineOf } from '../read-config.ts';
import type { MachineRequest, StartRequest } from '../requests.ts';
import { safeLine } from '../safe-text.ts';
import { startVm } from '../start-vm.ts';

export interface CreateRequest {
  readonly machine: MachineRequest;
  readonly start: StartRequest | undefined;
}

/** `smolvm create`: a VM that stays. With `--start` it stays also if it does not start, so that its logs can be read. */
export async function create(context: CliContext, { machine, start }: CreateRequest): Promise<Outcome> {
  const vm = await makeVm(context, machine);
  try {
    // Before it starts: who asked for a random id needs it also if the start fails.
    if (!context.json) await context.stdout.write(`${safeLine(vm.vmId)}\n`);
    if (start !== undefined) await startVm(context, vm, start);
    return { data: { ...vm.info, timings: vm.timings ?? null } };
  } finally {
    await vm.close();
  }
}

async function makeVm(context: CliContext, machine: MachineRequest): Promise<SmolVM> {
  const options = await machineOf(machine);
  using view = new ProgressView(context);
  const { onProgress: onImageProgress } = view;
  return await SmolVM.create({ ...options, onImageProgress }, { signal: context.signal });
}
