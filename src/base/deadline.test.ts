import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OperationTimeoutError, SmolVMError } from '../errors.ts';
import { Deadline } from './deadline.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('Deadline', () => {
  it('aborts with the name and length of the operation when its time is up', () => {
    using deadline = new Deadline('start vm-1', 1_000);
    vi.advanceTimersByTime(999);
    expect(deadline.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(deadline.signal.reason).toBeInstanceOf(OperationTimeoutError);
    expect(deadline.signal.reason).toMatchObject({
      code: 'TIMEOUT',
      operation: 'start vm-1',
      timeoutMs: 1_000,
    });
  });

  it('tells how much time is left, never less than nothing', () => {
    using deadline = new Deadline('start', 1_000);
    vi.advanceTimersByTime(400);
    expect(deadline.remainingMs).toBe(600);
    vi.advanceTimersByTime(4_000);
    expect(deadline.remainingMs).toBe(0);
  });

  it('never ends by itself when it has no length', () => {
    using deadline = new Deadline('start', Infinity);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2 ** 40);
    expect(deadline.signal.aborted).toBe(false);
    expect(deadline.remainingMs).toBe(Infinity);
  });

  it('does not end at once when its length is more than a timer can take', () => {
    using deadline = new Deadline('start', 2 ** 40);
    vi.advanceTimersByTime(1_000);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('relays the abort of the caller with the reason behind it', () => {
    const caller = new AbortController();
    using deadline = new Deadline('start', 1_000, caller.signal);
    const reason = new Error('enough');
    caller.abort(reason);
    expect(deadline.signal.reason).toBeInstanceOf(SmolVMError);
    expect(deadline.signal.reason).toMatchObject({
      code: 'ABORTED',
      message: 'start was aborted',
      cause: reason,
    });
  });

  it('is over at once when the caller has given up before', () => {
    using deadline = new Deadline('start', 1_000, AbortSignal.abort());
    expect(deadline.signal.reason).toMatchObject({ code: 'ABORTED' });
  });

  it('hands on the timeout of an operation around it, and can be ended by its own', () => {
    using outer = new Deadline('start', 10);
    using inner = new Deadline('connect', Infinity, outer.signal);
    vi.advanceTimersByTime(10);
    expect(inner.signal.reason).toBe(outer.signal.reason);
    using other = new Deadline('connect', 1_000);
    const reason = new Error('not needed any more');
    other.cancel(reason);
    expect(other.signal.reason).toBe(reason);
  });

  it('keeps the first reason', () => {
    const caller = new AbortController();
    using deadline = new Deadline('start', 10, caller.signal);
    vi.advanceTimersByTime(10);
    caller.abort();
    expect(deadline.signal.reason).toMatchObject({ code: 'TIMEOUT' });
  });

  it("leaves nothing on the caller's signal after it is disposed", () => {
    const caller = new AbortController();
    {
      using deadline = new Deadline('start', 1_000, caller.signal);
      expect(getEventListeners(caller.signal, 'abort')).toHaveLength(1);
      expect(deadline.signal.aborted).toBe(false);
    }
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
