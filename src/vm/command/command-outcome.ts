import { isSmolVMError, OperationTimeoutError, SmolVMError } from '../../errors.ts';
import type { GuestExit } from '../../guest/guest-channel.ts';
import type { CommandOutput } from './command-output.ts';

/** All ways in which a command can end for its caller. Closed: nothing else happens, and nothing is guessed. */
export type CommandOutcome =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'signaled'; readonly signal: string }
  /** Its process group was killed; `killed` is false if the guest did not confirm that within 100 ms. */
  | { readonly kind: 'timedOut'; readonly timeoutMs: number; readonly killed: boolean }
  /** The same, by the caller's signal, or because the caller's input or output failed. */
  | { readonly kind: 'aborted'; readonly killed: boolean }
  /** Nothing of it ran. */
  | { readonly kind: 'neverStarted'; readonly reason: string }
  /** It was sent, and may have run, may run on, or may not: the guest cannot be asked any more, or it was detached. */
  | { readonly kind: 'outcomeUnknown'; readonly reason: string };

/** An outcome with what belongs to it: the guest's report, or the error that `run` throws. */
export type Ending =
  | { readonly outcome: CommandOutcome; readonly exit: GuestExit }
  | { readonly outcome: CommandOutcome; readonly error: unknown };

/** The guest has reported the end. */
export function reported(exit: GuestExit): Ending {
  const outcome =
    exit.kind === 'exited'
      ? ({ kind: 'exited', exitCode: exit.exitCode } as const)
      : ({ kind: 'signaled', signal: exit.signal } as const);
  return { outcome, exit };
}

/** It ended before anything was sent, or the guest refused it. */
export function neverStarted(error: unknown): Ending {
  return { outcome: { kind: 'neverStarted', reason: messageOf(error) }, error };
}

/** The guest was lost while the command ran, or the command was left to itself. */
export function outcomeUnknown(error: SmolVMError, output: CommandOutput): Ending {
  const outcome = { kind: 'outcomeUnknown', reason: error.message } as const;
  const { code, message, hint, details } = error;
  const options = { hint, details: { ...details, ...known(outcome, output) }, cause: error };
  return { outcome, error: new SmolVMError(code, message, options) };
}

/** Its deadline passed, or its caller gave up; it was killed, and the error carries what it had written. */
export function givenUp(reason: SmolVMError, killed: boolean, output: CommandOutput): Ending {
  const note = killed ? '; it was killed' : '; it was told to end, but the guest has not confirmed that';
  if (reason instanceof OperationTimeoutError) {
    const { operation, timeoutMs } = reason;
    const outcome = { kind: 'timedOut', timeoutMs, killed } as const;
    const details = { ...known(outcome, output), killed };
    return {
      outcome,
      error: new OperationTimeoutError(operation, timeoutMs, note, { details, cause: reason }),
    };
  }
  const outcome = { kind: 'aborted', killed } as const;
  const details = { ...known(outcome, output), killed };
  return {
    outcome,
    error: new SmolVMError(reason.code, reason.message + note, { details, cause: reason.cause }),
  };
}

/** The caller's own input or output failed: that is the error, as it is. */
export function callerFailed(error: unknown, killed: boolean): Ending {
  return { outcome: { kind: 'aborted', killed }, error };
}

/** What an error tells of a command besides its sentence. */
export function known(outcome: CommandOutcome, output: CommandOutput): Readonly<Record<string, unknown>> {
  return {
    outcome,
    stdout: output.text('stdout'),
    stderr: output.text('stderr'),
    truncated: output.truncated,
  };
}

function messageOf(error: unknown): string {
  return isSmolVMError(error) || error instanceof Error ? error.message : String(error);
}
