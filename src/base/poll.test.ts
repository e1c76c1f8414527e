import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { orAborted, poll } from './poll.ts';

const never = new AbortController().signal;
const forever = new Promise<never>(() => undefined);

describe('poll', () => {
  it('asks until there is an answer', async () => {
    let asked = 0;
    const ask = (): string | undefined => {
      asked += 1;
      return asked === 3 ? 'yes' : undefined;
    };
    expect(await poll(ask, 0, never)).toBe('yes');
    expect(asked).toBe(3);
  });

  it('takes any value but undefined for an answer', async () => {
    for (const answer of [false, 0, null, '']) expect(await poll(() => answer, 0, never)).toBe(answer);
  });

  it('throws the reason of the signal when it aborts between two questions', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const answer = poll(() => undefined, 60_000, controller.signal);
    await Promise.resolve();
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('asks nothing once the signal has aborted', async () => {
    let asked = 0;
    const reason = new Error('enough');
    await expect(poll(() => void (asked += 1), 0, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(asked).toBe(0);
  });

  it('passes on what the question throws', async () => {
    const failure = new Error('no');
    await expect(poll(() => Promise.reject(failure), 0, never)).rejects.toBe(failure);
  });
});

describe('orAborted', () => {
  it('gives the outcome of the promise', async () => {
    const failure = new Error('no');
    await expect(orAborted(Promise.resolve(5), never)).resolves.toBe(5);
    await expect(orAborted(Promise.reject(failure), never)).rejects.toBe(failure);
  });

  it('gives the reason of the signal if that comes first', async () => {
    const reason = new Error('enough');
    await expect(orAborted(forever, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = orAborted(forever, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('leaves nothing on the signal', async () => {
    const { signal } = new AbortController();
    await orAborted(Promise.resolve(1), signal);
    await orAborted(Promise.reject(new Error('x')), signal).catch(() => undefined);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('takes the failure of a promise for which nobody waits any more', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const reason = new Error('given up');
    await expect(orAborted(Promise.reject(new Error('late')), AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
