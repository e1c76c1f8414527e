import type { GuestProcess, SmolVM } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import { resultAsJson, streamTo } from '../run-in-guest.ts';
import { withVm } from '../with-vm.ts';

export interface AttachRequest {
  readonly vmId: string;
  readonly execId: string;
  /** Bytes of its output to skip. */
  readonly cursor: number | undefined;
}

/** `smolvm attach`: the output of a detached command. Whatever ends us, the command goes on. */
export async function attach(context: CliContext, request: AttachRequest): Promise<Outcome> {
  const { vmId, execId, cursor } = request;
  return withVm(vmId, async (vm) => {
    const command = vm.attach(execId, { cursor, ...(context.json ? {} : streamTo(context)) });
    const leave = (): void => void detach(vm, command, context).catch(() => undefined);
    context.signal.addEventListener('abort', leave, { once: true });
    try {
      const result = await command;
      return { data: { vmId: vm.vmId, execId, ...resultAsJson(result) }, exitCode: result.exitCode };
    } finally {
      context.signal.removeEventListener('abort', leave);
    }
  });
}

/** Lets go of the command. Its result, which also says what went wrong, then is that it was detached. */
async function detach(vm: SmolVM, command: GuestProcess, { say }: CliContext): Promise<void> {
  await command.detach();
  const outcome = await command.outcome;
  if (outcome.kind !== 'outcomeUnknown') return;
  say(`it goes on; smolvm attach ${vm.vmId} ${command.execId ?? ''} --cursor ${await command.cursor()}`);
}
