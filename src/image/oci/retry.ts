import { setTimeout as sleep } from 'node:timers/promises';
import type { SmolVMError } from '../../errors.ts';

const MAX_TRIES = 3;
/** A registry that wants us to wait for longer is told of at once. */
const MAX_RETRY_AFTER_MS = 60_000;
/** Each wait is this much longer than the one before. */
const GROWTH = 4;

/** A failure that may be gone the next time; carries the error to throw if it is not. Never leaves this folder. */
export class TransientFailure extends Error {
  readonly failure: SmolVMError;
  readonly retryAfterMs: number;

  constructor(failure: SmolVMError, retryAfterMs = 0) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Does it again after a {@link TransientFailure}, three times in all, with growing pauses or the one the registry asks
 * for.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  pauseMs: number,
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientFailure)) throw error;
      if (tries === MAX_TRIES || error.retryAfterMs > MAX_RETRY_AFTER_MS) throw error.failure;
      await pause(
        Math.max(error.retryAfterMs, pauseMs * GROWTH ** (tries - 1) * (1 + Math.random())),
        signal,
      );
    }
  }
}

/** The header `Retry-After`: seconds or a date (RFC 9110, 10.2.3) → milliseconds from now, 0 if there is nothing in it. */
export function parseRetryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1_000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs);
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
