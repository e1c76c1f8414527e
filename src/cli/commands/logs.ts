import type { CliContext, Outcome } from '../context.ts';
import { bytesAsJson } from '../envelope.ts';
import { safeLines } from '../safe-text.ts';
import { withVm } from '../with-vm.ts';

/** `smolvm logs`: the guest wrote every byte of it, so a terminal gets it escaped. */
export async function logs({ signal, stdout }: CliContext, vmId: string): Promise<Outcome> {
  const bytes = await withVm(vmId, (vm) => vm.readConsole(signal));
  const text = stdout.isTerminal ? safeLines(Buffer.from(bytes).toString('utf8')) : bytes;
  return { data: { vmId, ...bytesAsJson('console', bytes) }, text };
}
