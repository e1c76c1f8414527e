import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Deferred } from './deferred.ts';
import { mapLimited } from './map-limited.ts';

const never = new AbortController().signal;

describe('mapLimited', () => {
  it('gives the results in order, whatever ends first', async () => {
    const first = new Deferred<string>();
    const results = mapLimited(['a', 'b', 'c'], 2, never, async (item) => {
      if (item === 'a') return first.promise;
      if (item === 'c') first.resolve('A');
      return item;
    });
    expect(await results).toEqual(['A', 'b', 'c']);
    expect(getEventListeners(never, 'abort')).toHaveLength(0);
  });

  it('has no more under way than the limit', async () => {
    let [running, most] = [0, 0];
    await mapLimited([...Array(20).keys()], 3, never, async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
    });
    expect(most).toBe(3);
  });

  it('ends the others after a failure, begins no more and waits for what is under way', async () => {
    const log: string[] = [];
    const work = async (item: string, signal: AbortSignal): Promise<void> => {
      log.push(item);
      if (item === 'bad') throw new Error('bad');
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          log.push('ended');
          resolve();
        });
      });
    };
    await expect(mapLimited(['slow', 'bad', 'later'], 2, never, work)).rejects.toThrow('bad');
    expect(log).toEqual(['slow', 'bad', 'ended']);
  });

  it('throws the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const work = mapLimited([1, 2], 1, controller.signal, async () => {
      controller.abort(reason);
    });
    await expect(work).rejects.toBe(reason);
    await expect(mapLimited([], 1, controller.signal, async () => 1)).rejects.toBe(reason);
  });
});
