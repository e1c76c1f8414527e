import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { sshCommandLine } from '../ssh-command-line.ts';
import type { CliContext, Outcome } from '../context.ts';
import { withVm } from '../with-vm.ts';

export interface SshRequest {
  readonly vmId: string;
  /** Program and arguments; none: the login shell. */
  readonly words: readonly string[];
}

/** `smolvm ssh`: an ordinary SSH client on this terminal. With `--json` only what it would be. */
export async function ssh(context: CliContext, { vmId, words }: SshRequest): Promise<Outcome> {
  const commands = await withVm(vmId, (vm) => vm.sshCommands(context.signal));
  if (context.json) return { data: { vmId, ...commands } };
  return {
    data: { vmId },
    exitCode: await runClient(sshCommandLine(commands.command, words), context.signal),
  };
}

/** The client has our terminal and our streams; what it is asked to end by, we are too. */
function runClient([program, ...args]: readonly [string, ...string[]], signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const client = spawn(program, args, { stdio: 'inherit' });
    const end = (): void => void client.kill();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    client.once('error', reject);
    client.once('exit', (exitCode, endSignal) => {
      signal.removeEventListener('abort', end);
      resolve(exitCode ?? 128 + (endSignal === null ? 0 : constants.signals[endSignal]));
    });
  });
}
