import { SmolVM, type DamagedVm, type RetainedDiskInfo, type VmInfo } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { safeLine, safeLines } from '../safe-text.ts';
import type { Style } from '../style.ts';
import { renderTable, type Cell } from '../table.ts';

type ListedVm = VmInfo | DamagedVm;

export interface ListRequest {
  /** Also disks without a VM? */
  readonly all: boolean;
}

/** `smolvm list`. */
export async function list({ json, style, stderr }: CliContext, { all }: ListRequest): Promise<Outcome> {
  const vms = await SmolVM.list();
  const retained = all ? await SmolVM.listRetained() : [];
  if (!json) for (const vm of vms.filter(isDamaged)) void stderr.write(renderDamage(vm));
  return {
    data: all ? { vms, retained } : { vms },
    text: renderList([...vms, ...retained], style),
  };
}

function isDamaged(vm: ListedVm): vm is DamagedVm {
  return vm.state === 'damaged';
}

/** VMs and disks → table, with a header also for none. */
export function renderList(vms: readonly (ListedVm | RetainedDiskInfo)[], style: Style): string {
  const header = ['NAME', 'STATE', 'VCPUS', 'MEMORY', 'BACKEND', 'CREATED'];
  return renderTable([
    header.map((text) => ({ text, paint: style.bold })),
    ...vms.map((vm) => row(vm, style)),
  ]);
}

function row(vm: ListedVm | RetainedDiskInfo, style: Style): readonly Cell[] {
  if (vm.state === 'damaged') return [vm.vmId, { text: vm.state, paint: style.red }, '-', '-', '-', '-'];
  if (vm.state === 'retained') return [vm.vmId, vm.state, '-', '-', '-', vm.retainedAt ?? '-'];
  const { vmId, state, vcpuCount, memSizeMib, backend, createdAt } = vm;
  const paint = { running: style.green, paused: style.yellow, failed: style.red }[state as string] ?? String;
  return [vmId, { text: state, paint }, String(vcpuCount), `${String(memSizeMib)} MiB`, backend, createdAt];
}

function renderDamage({ vmId, reason }: DamagedVm): string {
  const id = safeLine(vmId);
  return `smolvm: the record of VM '${id}' is damaged: ${safeLines(reason)}\nhint: Remove it: smolvm delete ${id}\n`;
}
