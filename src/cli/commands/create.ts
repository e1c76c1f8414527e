import { SmolVM, type VmOptions } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import type { StartRequest } from '../requests.ts';
import { safeLine } from '../safe-text.ts';
import { reportStart } from '../start-report.ts';

export interface CreateRequest {
  readonly machine: VmOptions;
  readonly start: StartRequest | undefined;
}

/** `smolvm create`: a VM that stays; with `--start` a running one, or none. */
export async function create(context: CliContext, { machine, start }: CreateRequest): Promise<Outcome> {
  const vm = await SmolVM.create({ ...machine, signal: context.signal });
  try {
    if (start !== undefined) await startOrDelete(context, vm, start);
    return { data: { ...vm.info, timings: vm.timings ?? null }, text: `${safeLine(vm.vmId)}\n` };
  } finally {
    await vm.close();
  }
}

async function startOrDelete(context: CliContext, vm: SmolVM, start: StartRequest): Promise<void> {
  context.say(`starting ${vm.vmId}…`);
  try {
    await vm.start({ ...start.options, signal: context.signal });
  } catch (error) {
    await vm.delete();
    throw error;
  }
  reportStart(context, vm.timings, start.timings);
}
