import { describe, expect, it } from 'vitest';
import { Handover } from './handover.ts';

describe('Handover', () => {
  it('gives items in order, each put waiting until its item is taken', async () => {
    const items = new Handover<number>();
    const puts: number[] = [];
    const giving = (async () => {
      for (const item of [1, 2, 3]) {
        await items.put(item);
        puts.push(item);
      }
      items.end();
    })();
    await Promise.resolve();
    expect(puts).toEqual([]);
    const taken: number[] = [];
    for await (const item of items) taken.push(item);
    await giving;
    expect(taken).toEqual([1, 2, 3]);
  });

  it('gives what waits before its error', async () => {
    const items = new Handover<number>();
    void items.put(1);
    items.end(new Error('broken'));
    expect(await items.next()).toEqual({ done: false, value: 1 });
    await expect(items.next()).rejects.toThrow('broken');
  });

  it('wakes whoever asks when it ends', async () => {
    const items = new Handover<number>();
    const asked = items.next();
    items.end();
    expect(await asked).toEqual({ done: true, value: undefined });
  });

  it('lets the giver go when the taker leaves', async () => {
    let left = false;
    const items = new Handover<number>(() => (left = true));
    const waiting = items.put(1);
    await items.return();
    await waiting;
    expect(items.put(2)).toBeUndefined();
    expect(left).toBe(true);
  });
});
