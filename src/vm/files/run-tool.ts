import { Deadline } from '../../base/deadline.ts';
import { escapeText } from '../../base/escape-text.ts';
import { SmolVMError } from '../../errors.ts';
import { toolFailure } from '../../guest/agent/tools/tool-failure.ts';
import type { GuestChannel } from '../../guest/guest-channel.ts';
import { CommandOutput } from '../command/command-output.ts';
import { supervise } from '../command/supervise.ts';
import { beginTool, type BegunTool, type ToolCall } from './begin-tool.ts';

/** Opens, or finds, the session with the guest whose tools are to work. */
export type Connect = (signal: AbortSignal) => Promise<GuestChannel>;

const MAX_STDERR_BYTES = 64 * 1024;

/** Runs a tool to its end; throws `GUEST_FILE_FAILED` with what the guest's kernel said. */
export async function runTool(connect: Connect, call: ToolCall): Promise<void> {
  const { argv, input, signal, timeoutMs = Infinity } = call;
  using deadline = new Deadline(argv[0] ?? '', timeoutMs, signal);
  // stdout is not kept, only handed on; stderr is one line.
  const stderr = new CommandOutput(MAX_STDERR_BYTES);
  const beginning = begin(connect, call, { deadline, stderr });
  const opening = beginning.then(({ command }) => command);
  const ending = await supervise({
    opening,
    input: input === undefined ? undefined : inputOf(beginning),
    deadline,
    output: stderr,
  });
  if (!('exit' in ending)) throw ending.error;
  if (ending.exit.kind === 'exited' && ending.exit.exitCode === 0) {
    (await beginning).requireWhole();
    return;
  }
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
  call: ToolCall,
  { deadline, stderr }: { readonly deadline: Deadline; readonly stderr: CommandOutput },
): Promise<BegunTool> {
  const channel = await connect(deadline.signal);
  deadline.signal.throwIfAborted();
  return beginTool(channel, call, { stderr, signal: deadline.signal });
}

/** Known only when the tool has begun; asked for only then. */
async function* inputOf(beginning: Promise<BegunTool>): AsyncGenerator<string | Uint8Array> {
  const { input } = await beginning;
  if (typeof input === 'string' || input instanceof Uint8Array) yield input;
  else if (input !== undefined) yield* input;
}
