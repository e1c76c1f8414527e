import type { SmolVM } from '../index.ts';
import type { CliContext, Outcome } from './context.ts';
import type { GuestRequest } from './requests.ts';

/** Starts a command that goes on without us; prints the name by which anybody can attach to it. */
export async function startDetached(
  vm: SmolVM,
  guest: GuestRequest,
  { signal }: CliContext,
): Promise<Outcome> {
  const command = vm.spawn(guest.command, { ...guest.options, detached: true, signal });
  const pid = await command.pid();
  await command.detach();
  return { data: { vmId: vm.vmId, execId: command.execId, pid }, text: `${command.execId ?? ''}\n` };
}
