import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until there is an answer. For facts that no event tells, such as the end of a process that is not our child.
 *
 * @param ask - returns undefined for "not yet"
 * @param intervalMs - pause between two questions
 * @param signal - its reason is thrown when it aborts
 */
export async function poll<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  intervalMs: number,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    try {
      await sleep(intervalMs, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}

/** The promise's outcome, or the signal's reason if that comes first. The promise itself goes on. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // What it fails with when nobody waits for it is nobody's failure; unhandled it would end the process.
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
