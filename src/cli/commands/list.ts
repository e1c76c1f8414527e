import { SmolVM, type DamagedVm, type VmInfo } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { safeLine, safeLines } from '../safe-text.ts';
import type { Style } from '../style.ts';
import { renderTable, type Cell } from '../table.ts';

type ListedVm = VmInfo | DamagedVm;

/** `smolvm list`. */
export async function list({ json, style, stderr }: CliContext): Promise<Outcome> {
  const vms = await SmolVM.list();
  if (!json) for (const vm of vms.filter(isDamaged)) void stderr.write(renderDamage(vm));
  return { data: { vms }, text: renderList(vms, style) };
}

function isDamaged(vm: ListedVm): vm is DamagedVm {
  return vm.state === 'damaged';
}

/** VMs → table, with a header also for none. */
export function renderList(vms: readonly ListedVm[], style: Style): string {
  const header = ['NAME', 'STATE', 'VCPUS', 'MEMORY', 'BACKEND', 'CREATED'];
  return renderTable([
    header.map((text) => ({ text, paint: style.bold })),
    ...vms.map((vm) => row(vm, style)),
  ]);
}

function row(vm: ListedVm, style: Style): readonly Cell[] {
  if (isDamaged(vm)) return [vm.vmId, { text: vm.state, paint: style.red }, '-', '-', '-', '-'];
  const { vmId, state, vcpuCount, memSizeMib, backend, createdAt } = vm;
  const paint = { running: style.green, failed: style.red }[state as string] ?? String;
  return [vmId, { text: state, paint }, String(vcpuCount), `${String(memSizeMib)} MiB`, backend, createdAt];
}

function renderDamage({ vmId, reason }: DamagedVm): string {
  const id = safeLine(vmId);
  return `smolvm: the record of VM '${id}' is damaged: ${safeLines(reason)}\nhint: Remove it: smolvm delete ${id}\n`;
}
