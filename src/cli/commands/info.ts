import type { VmInfo } from '../../index.ts';
import type { Outcome } from '../context.ts';
import { renderTable } from '../table.ts';
import { withVm } from '../with-vm.ts';

/** `smolvm info`. */
export async function info(vmId: string): Promise<Outcome> {
  const found = await withVm(vmId, (vm) => vm.info);
  return { data: found, text: renderInfo(found) };
}

/** One line for each fact, under the name that it has in the SDK and in JSON. */
export function renderInfo(vm: VmInfo): string {
  return renderTable(Object.entries(vm).map(([name, value]) => [name, value === null ? '-' : String(value)]));
}
