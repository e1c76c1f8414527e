import type { DetachedCommand } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import type { Style } from '../style.ts';
import { renderTable, type Cell } from '../table.ts';
import { withVm } from '../with-vm.ts';

/** `smolvm ps`. */
export async function ps({ signal, style }: CliContext, vmId: string): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    const commands = await vm.listDetached(signal);
    return { data: { vmId: vm.vmId, commands }, text: renderCommands(commands, style) };
  });
}

/** Detached commands → table, with a header also for none. */
export function renderCommands(commands: readonly DetachedCommand[], style: Style): string {
  const header = ['EXEC ID', 'STATE', 'PID', 'PROGRAM', 'STARTED'];
  return renderTable([
    header.map((text) => ({ text, paint: style.bold })),
    ...commands.map((command) => row(command, style)),
  ]);
}

function row(command: DetachedCommand, style: Style): readonly Cell[] {
  const { execId, pid, running, exitCode, signal, program, startedAtMs } = command;
  const state = running ? 'running' : (signal ?? `exited ${exitCode ?? '-'}`);
  const paint = running ? style.green : exitCode === 0 ? String : style.red;
  return [execId, { text: state, paint }, pid === 0 ? '-' : String(pid), program, timeOf(startedAtMs)];
}

/** The guest tells it, so it need not be a time. */
function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString();
}
