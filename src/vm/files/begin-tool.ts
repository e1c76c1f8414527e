import type { ExecRequest, GuestChannel, GuestCommand } from '../../guest/guest-channel.ts';
import type { AreaClaim } from '../../guest/transfer-area.ts';
import { WORTHWHILE_BYTES } from '../../guest/agent/tools/area-records.ts';
import type { CommandOutput } from '../command/command-output.ts';
import type { CommandInput } from '../command/supervise.ts';
import { AreaReceiver } from './area-receiver.ts';
import { AreaSender } from './area-sender.ts';

/** A tool of the agent, and what it is to do (docs/agent-tools.md). */
export interface ToolCall {
  readonly argv: readonly string[];
  /** Guest user as which it works; default root. */
  readonly user?: string | undefined;
  readonly input?: CommandInput;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** Takes what the tool writes, and may keep it; default: nothing is expected. */
  readonly onOutput?: ((bytes: Buffer) => void | Promise<void>) | undefined;
  /** Which of its streams may be large: that one goes through the transfer area if it can. */
  readonly bulk?: 'input' | 'output' | undefined;
}

/** A tool that was sent to the guest, and what it is to read. */
export interface BegunTool {
  readonly command: GuestCommand;
  readonly input: CommandInput;
  /** To be called when it has ended well. @throws PROTOCOL_ERROR */
  readonly requireWhole: () => void;
}

/** What belongs to one run of a tool. */
interface Run {
  readonly stderr: CommandOutput;
  readonly signal: AbortSignal;
}

const NOTHING = (): void => undefined;

/** Starts a tool: with the session's transfer area if that is free and of use, else through the session alone. */
export async function beginTool(channel: GuestChannel, call: ToolCall, run: Run): Promise<BegunTool> {
  const claim = mayBeLarge(call) ? await channel.area?.claim() : undefined;
  if (claim === undefined) return beginPlain(channel, call, run);
  try {
    run.signal.throwIfAborted();
    const begun =
      call.bulk === 'input'
        ? beginSending(channel, call, run, claim)
        : beginReceiving(channel, call, run, claim);
    // Only a tool that is gone no longer touches the area.
    begun.command.exit.then(claim.release, claim.release);
    return begun;
  } catch (error) {
    claim.release();
    throw error;
  }
}

function mayBeLarge({ bulk, input }: ToolCall): boolean {
  if (bulk !== 'input') return bulk === 'output';
  return typeof input === 'object' && !(input instanceof Uint8Array && input.length < WORTHWHILE_BYTES);
}

function beginPlain(
  channel: GuestChannel,
  { onOutput = NOTHING, ...call }: ToolCall,
  { stderr }: Run,
): BegunTool {
  const { argv, input } = call;
  const command = channel.exec({
    ...request(call, argv),
    stdin: input !== undefined,
    onOutput: (name, chunk) => (name === 'stdout' ? onOutput(chunk) : stderr.add(name, chunk)),
  });
  return { command, input, requireWhole: NOTHING };
}

function beginSending(channel: GuestChannel, call: ToolCall, { stderr }: Run, claim: AreaClaim): BegunTool {
  const sender = new AreaSender(claim);
  const command = channel.exec({
    ...request(call, [...claim.words, ...call.argv]),
    stdin: true,
    onOutput: (name, chunk) => (name === 'stdout' ? sender.take(chunk) : stderr.add(name, chunk)),
  });
  const end = (): void => {
    sender.end();
  };
  command.exit.then(end, end);
  const source =
    call.input instanceof Uint8Array || typeof call.input === 'string' ? once(call.input) : call.input;
  return { command, input: source && sender.records(source), requireWhole: NOTHING };
}

function beginReceiving(channel: GuestChannel, call: ToolCall, { stderr }: Run, claim: AreaClaim): BegunTool {
  const receiver = new AreaReceiver(claim, {
    onBytes: call.onOutput ?? NOTHING,
    acknowledge: (byte) => command.write(byte),
  });
  const command: GuestCommand = channel.exec({
    ...request(call, [...claim.words, ...call.argv]),
    stdin: true,
    onOutput: (name, chunk) => (name === 'stdout' ? receiver.take(chunk) : stderr.add(name, chunk)),
  });
  return {
    command,
    input: undefined,
    requireWhole: () => {
      receiver.requireWhole();
    },
  };
}

/** What is the same for all of them. */
function request({ user = '' }: ToolCall, argv: readonly string[]): Omit<ExecRequest, 'stdin' | 'onOutput'> {
  return { argv, env: {}, cwd: '', user, tool: true };
}

async function* once(bytes: string | Uint8Array): AsyncGenerator<string | Uint8Array> {
  yield await Promise.resolve(bytes);
}
