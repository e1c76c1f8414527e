import { Deadline } from '../../base/deadline.ts';
import { orAborted } from '../../base/poll.ts';
import { isSmolVMError, type ErrorCode } from '../../errors.ts';
import type { GuestCommand } from '../../guest/guest-channel.ts';
import {
  callerFailed,
  givenUp,
  neverStarted,
  outcomeUnknown,
  reported,
  type Ending,
} from './command-outcome.ts';
import type { CommandOutput } from './command-output.ts';

/** What a command reads. */
export type CommandInput = string | Uint8Array | AsyncIterable<string | Uint8Array> | undefined;

/** A command on its way: to be opened, fed, and waited for. */
export interface Supervised {
  /** Rejects if the command was never sent. */
  readonly opening: Promise<GuestCommand>;
  readonly input: CommandInput;
  readonly deadline: Deadline;
  readonly output: CommandOutput;
}

const SIGKILL = 9;

/** How long a guest may take to report the end of a command that was killed. */
const KILL_TIMEOUT_MS = 90;

/** Errors with which the guest refuses a command: nothing of it ran. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'COMMAND_NOT_STARTED',
  'COMMAND_NOT_FOUND',
  'INVALID_ARGUMENT',
]);

/** Follows a command to its end, whatever that is. Never rejects. */
export async function supervise({ opening, input, deadline, output }: Supervised): Promise<Ending> {
  let command: GuestCommand;
  try {
    command = await orAborted(opening, deadline.signal);
  } catch (error) {
    return neverStarted(error);
  }
  // Input that fails to come must end the command, or it would wait for it for ever.
  const inputFailure = { error: undefined as unknown };
  const feeding = feed(command, input).catch((error: unknown) => {
    inputFailure.error = error;
    throw error;
  });
  try {
    const exit = feeding.then(() => command.exit);
    exit.catch(() => undefined);
    return reported(await orAborted(Promise.race([command.exit, exit]), deadline.signal));
  } catch (error) {
    if (error === deadline.signal.reason && isSmolVMError(error))
      return givenUp(error, await kill(command), output);
    if (error === inputFailure.error || !isSmolVMError(error) || error === output.failure)
      return callerFailed(error, await kill(command));
    return REFUSALS.has(error.code) ? neverStarted(error) : outcomeUnknown(error, output);
  }
}

/** Sends the input, piece by piece as the command reads it, then its end. */
async function feed(command: GuestCommand, input: CommandInput): Promise<void> {
  if (input === undefined) return;
  const pieces = typeof input === 'string' || input instanceof Uint8Array ? [input] : input;
  const state = { hasEnded: false };
  const onEnd = (): void => {
    state.hasEnded = true;
  };
  command.exit.then(onEnd, onEnd);
  try {
    for await (const piece of pieces) {
      await command.write(typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece);
      // Input may have no end of its own.
      if (state.hasEnded) break;
    }
  } finally {
    command.end();
  }
}

/** Kills a command's process group; false if the guest did not confirm its end in time. */
async function kill(command: GuestCommand): Promise<boolean> {
  command.kill(SIGKILL);
  using deadline = new Deadline('end the command', KILL_TIMEOUT_MS);
  try {
    await orAborted(command.exit, deadline.signal);
    return true;
  } catch {
    // It never started, its session is lost (the guest kills its commands then), or the guest is mute.
    return !deadline.signal.aborted;
  }
}
