/**
 * Does something with each item, at most `limit` at once, and gives the results in order. After the first failure no
 * more are begun; it is thrown when those under way have ended, for which they get a signal.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const controller = new AbortController();
  const relay = (): void => {
    controller.abort(signal.reason);
  };
  signal.addEventListener('abort', relay, { once: true });
  const results: R[] = [];
  const failures: unknown[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (controller.signal.aborted) return;
      try {
        results[index] = await work(item, controller.signal);
      } catch (error) {
        failures.push(error);
        controller.abort(error);
      }
    }
  };
  try {
    signal.throwIfAborted();
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  } finally {
    signal.removeEventListener('abort', relay);
  }
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
  return results;
}
