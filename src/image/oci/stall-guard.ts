import { Deadline } from '../../base/deadline.ts';
import { SmolVMError } from '../../errors.ts';
import { TransientFailure } from './retry.ts';

/** Less than this in a whole interval is a connection kept open by drops. */
const MIN_PROGRESS_BYTES = 1_024;
/** How often it is looked at, as a part of the interval. */
const LOOKS = 4;

/** Ends a transfer in which nothing moves. Time that the taker of the bytes needs does not count. */
export class StallGuard implements Disposable {
  readonly #deadline: Deadline;
  readonly #timer: NodeJS.Timeout;
  #progressAt = performance.now();
  #freshBytes = 0;
  #busySince: number | undefined;

  /**
   * @param host - names the other side in the error
   * @param stallMs - the longest time without progress, in milliseconds
   */
  constructor(host: string, stallMs: number, outer: AbortSignal) {
    this.#deadline = new Deadline(`the transfer from ${host}`, Infinity, outer);
    this.#timer = setInterval(() => {
      if (this.#busySince !== undefined || performance.now() - this.#progressAt < stallMs) return;
      this.#deadline.cancel(new TransientFailure(stalled(host, stallMs)));
    }, stallMs / LOOKS);
  }

  /** Aborted with the error to throw: a {@link TransientFailure}, or what the outer signal says. */
  get signal(): AbortSignal {
    return this.#deadline.signal;
  }

  /** Bytes have come, and their taker is at work. */
  received(bytes: number): void {
    const now = performance.now();
    this.#busySince = now;
    this.#freshBytes += bytes;
    if (this.#freshBytes < MIN_PROGRESS_BYTES) return;
    this.#freshBytes = 0;
    this.#progressAt = now;
  }

  /** The taker wants more. */
  waiting(): void {
    if (this.#busySince !== undefined) this.#progressAt += performance.now() - this.#busySince;
    this.#busySince = undefined;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#deadline[Symbol.dispose]();
  }
}

function stalled(host: string, stallMs: number): SmolVMError {
  return new SmolVMError('TIMEOUT', `${host} has sent nothing to speak of for ${String(stallMs)} ms`, {
    hint: 'Try again: what has come of a layer is kept. Check the connection if it stays so.',
    details: { host, timeoutMs: stallMs },
  });
}
