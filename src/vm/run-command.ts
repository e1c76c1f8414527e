import { Deadline } from '../base/deadline.ts';
import { orAborted } from '../base/poll.ts';
import {
  CommandExecutionUnavailableError,
  isSmolVMError,
  OperationTimeoutError,
  SmolVMError,
} from '../errors.ts';
import type { GuestChannel, GuestCommand, GuestExit } from '../guest/guest-channel.ts';
import { argvOf, parseRunRequest, type RunRequest } from '../spec/run-options.ts';
import type { VmRecord } from '../spec/vm-record.ts';
import { commandResult, type CommandResult } from './command-result.ts';
import { findVm } from './find-vm.ts';
import { OutputBuffer } from './output-buffer.ts';
import type { Services } from './services.ts';

/** What {@link SmolVM.run} takes besides the command. */
export interface RunOptions {
  /** Milliseconds until the command is killed and `TIMEOUT` is thrown. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Folder in the guest to start in. Default `/`. */
  readonly cwd?: string | undefined;
  /** Guest user: `name`, `uid`, `name:group` or `uid:gid`. Default root. */
  readonly user?: string | undefined;
  /** Environment variables of this command. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What the command reads. Default: nothing (`/dev/null`). */
  readonly input?: string | Uint8Array | AsyncIterable<string | Uint8Array> | undefined;
  /** Ends the command (SIGKILL to its process group) and throws `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Takes output as it comes. While a returned promise is pending the command waits. */
  readonly onStdout?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** The same for stderr. */
  readonly onStderr?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** Bytes kept of each of stdout and stderr; more sets `truncated`. Default 16 MiB. */
  readonly maxOutputBytes?: number | undefined;
}

const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const SIGKILL = 9;

/** How long a guest may take to take a command at all, and to report the end of one that was killed. */
const CONNECT_TIMEOUT_MS = 10_000;
const KILL_TIMEOUT_MS = 1_000;

/** Runs a command in a running VM to its end. */
export async function runCommand(
  services: Services,
  vmId: string,
  command: unknown,
  options: RunOptions,
): Promise<CommandResult> {
  const { timeoutMs, cwd, user, env, maxOutputBytes, signal } = options;
  const request = parseRunRequest({ command, timeoutMs, cwd, user, env, maxOutputBytes });
  using deadline = new Deadline('the command', request.timeoutMs ?? Infinity, signal);
  const channel = await openChannel(services, vmId, deadline.signal);
  const startedAt = performance.now();
  const output = new OutputBuffer(request.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES);
  const running = start(channel, request, options, output);
  const feeding = feed(running, options.input);
  const exit = await finish(running, feeding, { deadline, output });
  return commandResult(argvOf(request.command), exit, output, performance.now() - startedAt);
}

function start(
  channel: GuestChannel,
  request: RunRequest,
  options: RunOptions,
  output: OutputBuffer,
): GuestCommand {
  return channel.exec({
    argv: argvOf(request.command),
    env: request.env,
    cwd: request.cwd,
    user: request.user,
    stdin: options.input !== undefined,
    onOutput: (name, chunk) => {
      output.add(name, chunk);
      return (name === 'stdout' ? options.onStdout : options.onStderr)?.(chunk);
    },
  });
}

/** A running VM takes commands; any other says how to get there. */
function requireRunning({ vm, status }: VmRecord): void {
  if (status.state === 'running') return;
  throw new CommandExecutionUnavailableError(
    `VM '${vm.vmId}' is ${status.state}, commands need a running VM`,
    {
      hint: `Start it: smolvm start ${vm.vmId}`,
      details: { vmId: vm.vmId, state: status.state },
    },
  );
}

async function openChannel(services: Services, vmId: string, signal: AbortSignal): Promise<GuestChannel> {
  // An open session says by itself that the VM runs.
  const session = services.channels.opened(vmId);
  if (session !== undefined) return session;
  requireRunning(findVm(services, vmId));
  using deadline = new Deadline(`connect to VM '${vmId}'`, CONNECT_TIMEOUT_MS, signal);
  try {
    return await services.channels.get(vmId, deadline.signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OperationTimeoutError)) throw error;
    throw new CommandExecutionUnavailableError(`the agent in VM '${vmId}' does not answer`, {
      hint: `The guest hangs or was changed from inside. See: smolvm logs ${vmId}; end it: smolvm stop ${vmId}`,
      cause: error,
    });
  }
}

/** Sends the input, piece by piece as the command reads it, then its end. */
async function feed(running: GuestCommand, input: RunOptions['input']): Promise<void> {
  if (input === undefined) return;
  const pieces = typeof input === 'string' || input instanceof Uint8Array ? [input] : input;
  const command = { hasEnded: false };
  const onEnd = (): void => {
    command.hasEnded = true;
  };
  running.exit.then(onEnd, onEnd);
  try {
    for await (const piece of pieces) {
      await running.write(bytesOf(piece));
      // Input may have no end of its own.
      if (command.hasEnded) break;
    }
  } finally {
    running.end();
  }
}

function bytesOf(piece: string | Uint8Array): Uint8Array {
  return typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece;
}

/** The command's end; on timeout or abort it is killed first, and the error carries what it had written. */
async function finish(
  running: GuestCommand,
  feeding: Promise<void>,
  { deadline, output }: { readonly deadline: Deadline; readonly output: OutputBuffer },
): Promise<GuestExit> {
  // Input that fails to come must end the command, or it would wait for it for ever.
  const inputFailed = feeding.then(() => running.exit);
  inputFailed.catch(() => undefined);
  try {
    return await orAborted(Promise.race([running.exit, inputFailed]), deadline.signal);
  } catch (error) {
    running.kill(SIGKILL);
    const isDead = await awaitKilled(running);
    if (error !== deadline.signal.reason || !isSmolVMError(error)) throw error;
    const details = { stdout: output.text('stdout'), stderr: output.text('stderr'), killed: isDead };
    const note = isDead ? '; it was killed' : '; it was told to end, but the guest does not answer';
    if (error instanceof OperationTimeoutError) {
      throw new OperationTimeoutError(error.operation, error.timeoutMs, note, { details, cause: error });
    }
    throw new SmolVMError(error.code, error.message + note, { details, cause: error.cause });
  }
}

/**
 * Waits for the end of a killed command, so that nothing of it runs on when the caller learns of the error. False if the
 * guest did not confirm it.
 */
async function awaitKilled(running: GuestCommand): Promise<boolean> {
  using deadline = new Deadline('end the command', KILL_TIMEOUT_MS);
  try {
    await orAborted(running.exit, deadline.signal);
    return true;
  } catch {
    // It never started, its session is lost (the guest kills its commands then), or the guest is mute.
    return !deadline.signal.aborted;
  }
}
