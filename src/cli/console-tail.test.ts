import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConsoleTail, overlapBytes, SafePieces } from './console-tail.ts';

describe('overlapBytes', () => {
  test.each([
    ['', 'abc', 0],
    ['abc', 'abc', 3],
    ['abc', 'abcdef', 3],
    ['abcdef', 'defghi', 3],
    ['aab', 'abx', 2],
    ['xaaa', 'aaab', 3],
    ['abcd', 'xyz', 0],
    ['abc', '', 0],
    ['abababab', 'bababc', 5],
    ['aaaa', 'aa', 2],
  ])('%j, %j: %d', (before, after, expected) => {
    expect(overlapBytes(Buffer.from(before), Buffer.from(after))).toBe(expected);
  });

  test('is the longest one, for any bytes', () => {
    const bytes = fc.uint8Array({ max: 2, maxLength: 12 });
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        const [a, b] = [Buffer.from(before), Buffer.from(after)];
        const lengths = Array.from({ length: Math.min(a.length, b.length) + 1 }, (_, length) => length);
        const fitting = lengths.filter((length) =>
          a.subarray(a.length - length).equals(b.subarray(0, length)),
        );
        expect(overlapBytes(a, b)).toBe(Math.max(...fitting));
      }),
    );
  });

  test('of a full log of equal lines is found at once', () => {
    const log = Buffer.alloc(1024 * 1024, 'the same line\n');
    const next = Buffer.concat([log.subarray(14_000), Buffer.alloc(14_000, 'another line.\n')]);
    expect(overlapBytes(log, next)).toBe(log.length - 14_000);
  });
});

describe('ConsoleTail', () => {
  const take = (tail: ConsoleTail, newest: Uint8Array | string) => {
    const { bytes, mayLack } = tail.take(Buffer.from(newest));
    return [bytes.toString(), mayLack];
  };

  test('gives what is new, also when the oldest was dropped', () => {
    const tail = new ConsoleTail();
    expect(take(tail, '')).toEqual(['', false]);
    expect(take(tail, 'one')).toEqual(['one', false]);
    expect(take(tail, 'one')).toEqual(['', false]);
    expect(take(tail, 'one, two')).toEqual([', two', false]);
    expect(take(tail, 'two, three')).toEqual([', three', false]);
  });

  test('tells when something may be missing', () => {
    const tail = new ConsoleTail();
    expect(tail.take(Buffer.alloc(300 * 1024, 'first')).mayLack).toBe(false);
    expect(take(tail, 'other')).toEqual(['other', true]);
    expect(tail.take(Buffer.from(`other${'x'.repeat(256 * 1024 - 1)}`)).mayLack).toBe(false);
    expect(tail.take(Buffer.from('x'.repeat(10) + 'y'.repeat(256 * 1024))).mayLack).toBe(true);
  });
});

describe('SafePieces', () => {
  test('are as safe as the whole, wherever it is cut', () => {
    const whole = Buffer.from('boot\r\n\x1b[2Jgrüße ✓\rx\r\n\u009bend\r');
    for (let at = 0; at <= whole.length; at += 1) {
      const pieces = new SafePieces();
      const text = pieces.push(whole.subarray(0, at)) + pieces.push(whole.subarray(at)) + pieces.end();
      expect(text).toBe('boot\n\\x1b[2Jgrüße ✓\\x0dx\n\\x9bend\\x0d');
    }
  });
});
