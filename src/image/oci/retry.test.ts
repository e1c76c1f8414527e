import { describe, expect, it } from 'vitest';
import { ImageError } from '../../errors.ts';
import { parseRetryAfterMs, TransientFailure, withRetries } from './retry.ts';

const signal = new AbortController().signal;
const failure = new ImageError('busy');

describe('parseRetryAfterMs', () => {
  it.each([
    ['3', 3_000],
    ['0', 0],
    ['Wed, 21 Oct 2015 07:28:05 GMT', 5_000],
    ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
    ['soon', 0],
    ['-5', 0],
    ['9'.repeat(20), 0],
    [null, 0],
  ])('of %j is %d', (header, expected) => {
    expect(parseRetryAfterMs(header, Date.parse('2015-10-21T07:28:00Z'))).toBe(expected);
  });
});

describe('withRetries', () => {
  it('does at once what does well', async () => {
    expect(await withRetries(async () => 7, 1, signal)).toBe(7);
  });

  it('tries three times, then throws the failure itself', async () => {
    let tries = 0;
    const attempt = async (): Promise<never> => {
      tries += 1;
      throw new TransientFailure(failure);
    };
    await expect(withRetries(attempt, 1, signal)).rejects.toBe(failure);
    expect(tries).toBe(3);
  });

  it('does not try again what is not transient, or what may come back in an hour', async () => {
    for (const error of [failure, new TransientFailure(failure, 3_600_000)]) {
      let tries = 0;
      const attempt = async (): Promise<never> => {
        tries += 1;
        throw error;
      };
      await expect(withRetries(attempt, 1, signal)).rejects.toBe(failure);
      expect(tries).toBe(1);
    }
  });

  it('ends its pause with the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const attempt = async (): Promise<never> => {
      queueMicrotask(() => {
        controller.abort(reason);
      });
      throw new TransientFailure(failure, 50_000);
    };
    await expect(withRetries(attempt, 1, controller.signal)).rejects.toBe(reason);
  });
});
