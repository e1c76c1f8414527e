import { isSmolVMError, OperationTimeoutError, SmolVMError } from '../errors.ts';

/**
 * The one deadline of an operation: made at the top, its `signal` handed to every wait below, disposed at the end.
 * Unlike `AbortSignal.timeout` its timer keeps the process alive (a wait that nothing else holds must still end), and
 * unlike `AbortSignal.any` nothing stays behind on the caller's signal after disposal.
 *
 * @example
 * ```ts
 * using deadline = new Deadline('start vm-1', 30_000, callersSignal);
 * await boot(deadline.signal);
 * ```
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #endsAt: number;
  readonly #release: () => void;

  /**
   * @param operation - names the operation in the error: "start vm-1"
   * @param timeoutMs - milliseconds from now; Infinity for none
   * @param outer - the caller's own signal, relayed as code `ABORTED`
   */
  constructor(operation: string, timeoutMs: number, outer?: AbortSignal) {
    this.#endsAt = performance.now() + timeoutMs;
    const expire = (): void => {
      this.#controller.abort(new OperationTimeoutError(operation, timeoutMs));
    };
    const timer = Number.isFinite(timeoutMs)
      ? setTimeout(expire, Math.min(timeoutMs, MAX_TIMER_MS))
      : undefined;
    const relay = (): void => {
      this.#controller.abort(abortedError(operation, outer?.reason));
    };
    if (outer?.aborted === true) relay();
    else outer?.addEventListener('abort', relay, { once: true });
    this.#release = (): void => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', relay);
    };
  }

  /** Aborted with the error to throw, once time is up or the caller gave up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds left, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** Ends the operation before its time: what waits on the signal gets this reason. */
  cancel(reason: Error): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}

/** The longest delay that Node's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** An error of smolvm is handed on as it is: the outer operation's timeout is not the inner one's abort. */
function abortedError(operation: string, reason: unknown): SmolVMError {
  if (isSmolVMError(reason)) return reason;
  return new SmolVMError('ABORTED', `${operation} was aborted`, { cause: reason });
}
