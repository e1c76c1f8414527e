import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stopwatch } from './stopwatch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Stopwatch', () => {
  it('splits time into steps with nothing between them', () => {
    const watch = new Stopwatch();
    vi.advanceTimersByTime(30);
    watch.mark('spawn');
    vi.advanceTimersByTime(12);
    watch.mark('boot');
    vi.advanceTimersByTime(99);
    expect(watch.steps).toEqual([
      { name: 'spawn', durationMs: 30 },
      { name: 'boot', durationMs: 12 },
    ]);
    expect(watch.totalMs).toBe(42);
  });

  it('has no time and no steps before the first mark', () => {
    const watch = new Stopwatch();
    vi.advanceTimersByTime(5);
    expect(watch.totalMs).toBe(0);
    expect(watch.steps).toEqual([]);
  });

  it('hands out steps that cannot change it', () => {
    const watch = new Stopwatch();
    watch.mark('a');
    (watch.steps as unknown[]).push('b');
    expect(watch.steps).toHaveLength(1);
  });
});
