import { CommandBlockedError, isSmolVMError, ValidationError } from '../../errors.ts';
import type { Ending } from './command-outcome.ts';
import type { CommandResult } from './command-result.ts';

/** A command as a {@link Callback} sees it. */
export interface RunContext {
  readonly vmId: string;
  /** As it was given: a line for the shell, or program and arguments. */
  readonly command: string | readonly string[];
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  readonly timeoutMs: number | undefined;
}

/** Looks at the commands of one handle, before and after. Callbacks are called in the order in which they were added. */
export interface Callback {
  /** May forbid the command by throwing: nothing of it reaches the guest, and later callbacks are not asked. */
  readonly onPreRun?: ((context: RunContext) => void | Promise<void>) | undefined;
  /** Told of a result, whatever its exit code. What it throws becomes a warning of the process. */
  readonly onPostRun?: ((context: RunContext, result: CommandResult) => void | Promise<void>) | undefined;
  /** Told of an error, also that of a veto. What it throws becomes a warning; the error goes on as it is. */
  readonly onRunError?: ((context: RunContext, error: unknown) => void | Promise<void>) | undefined;
}

const NAMES = ['onPreRun', 'onPostRun', 'onRunError'] as const;

/** Input → callback. @throws ValidationError */
export function parseCallback(input: unknown): Callback {
  const given: Callback = typeof input === 'object' && input !== null ? input : {};
  const functions = NAMES.filter((name) => given[name] !== undefined);
  if (functions.length === 0 || functions.some((name) => typeof given[name] !== 'function'))
    throw new ValidationError('callback', [`expected an object with functions ${NAMES.join(', ')}`]);
  return given;
}

/** The callbacks of one command. */
export class CommandCallbacks {
  readonly #callbacks: readonly Callback[];
  readonly #context: RunContext;

  constructor(callbacks: readonly Callback[], context: RunContext) {
    this.#callbacks = callbacks;
    this.#context = context;
  }

  /** Asks all in turn. Rejects with the veto of the first one that forbids the command. */
  async ask(): Promise<void> {
    for (const callback of this.#callbacks) {
      try {
        await callback.onPreRun?.(this.#context);
      } catch (error) {
        const { vmId, command } = this.#context;
        throw isSmolVMError(error) ? error : new CommandBlockedError(vmId, command, error);
      }
    }
  }

  /** Tells all of the end. Never rejects: who only looks on cannot change what happened. */
  async tell(
    ending: Ending,
    resultOf: (exit: Extract<Ending, { exit: unknown }>['exit']) => CommandResult,
  ): Promise<void> {
    if (this.#callbacks.length === 0) return;
    const result = 'exit' in ending ? resultOf(ending.exit) : undefined;
    for (const callback of this.#callbacks) {
      try {
        if (result !== undefined) await callback.onPostRun?.(this.#context, result);
        else if ('error' in ending) await callback.onRunError?.(this.#context, ending.error);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        process.emitWarning(`a callback of VM '${this.#context.vmId}' failed: ${reason}`, 'SmolVMWarning');
      }
    }
  }
}
