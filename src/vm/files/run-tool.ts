import { Deadline } from '../../base/deadline.ts';
import { escapeText } from '../../base/escape-text.ts';
import { SmolVMError } from '../../errors.ts';
import { toolFailure } from '../../guest/agent/tools/tool-failure.ts';
import type { GuestChannel, GuestCommand } from '../../guest/guest-channel.ts';
import { CommandOutput } from '../command/command-output.ts';
import { supervise, type CommandInput } from '../command/supervise.ts';

/** A tool of the agent, and what it is to do (docs/agent-tools.md). */
export interface ToolCall {
  readonly argv: readonly string[];
  /** Guest user as which it works; default root. */
  readonly user?: string | undefined;
  readonly input?: CommandInput;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** Takes what the tool writes; default: nothing is expected. */
  readonly onOutput?: ((bytes: Buffer) => void | Promise<void>) | undefined;
}

/** Opens, or finds, the session with the guest whose tools are to work. */
export type Connect = (signal: AbortSignal) => Promise<GuestChannel>;

const MAX_STDERR_BYTES = 64 * 1024;

/** Runs a tool to its end; throws `GUEST_FILE_FAILED` with what the guest's kernel said. */
export async function runTool(connect: Connect, call: ToolCall): Promise<void> {
  const { argv, signal, timeoutMs = Infinity } = call;
  using deadline = new Deadline(argv[0] ?? '', timeoutMs, signal);
  // stdout is not kept, only handed on; stderr is one line.
  const stderr = new CommandOutput(MAX_STDERR_BYTES);
  const opening = begin(connect, call, { deadline, stderr });
  const ending = await supervise({ opening, input: call.input, deadline, output: stderr });
  if (!('exit' in ending)) throw ending.error;
  if (ending.exit.kind === 'exited' && ending.exit.exitCode === 0) return;
  if (ending.exit.kind === 'exited' && ending.exit.exitCode === 1) throw toolFailure(stderr.text('stderr'));
  throw new SmolVMError(
    'GUEST_FILE_FAILED',
    `the guest's ${argv[0] ?? ''} ended unexpectedly: ${JSON.stringify(ending.outcome)}`,
    {
      details: { outcome: ending.outcome, stderr: escapeText(stderr.text('stderr')) },
    },
  );
}

async function begin(
  connect: Connect,
  { argv, user = '', input, onOutput }: ToolCall,
  { deadline, stderr }: { readonly deadline: Deadline; readonly stderr: CommandOutput },
): Promise<GuestCommand> {
  const channel = await connect(deadline.signal);
  deadline.signal.throwIfAborted();
  return channel.exec({
    argv,
    env: {},
    cwd: '',
    user,
    stdin: input !== undefined,
    tool: true,
    onOutput: (name, chunk) => (name === 'stdout' ? onOutput?.(chunk) : stderr.add(name, chunk)),
  });
}
