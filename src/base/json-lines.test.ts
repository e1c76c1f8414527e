import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonLines } from './json-lines.ts';

describe('JsonLines', () => {
  it('finds the same values whatever the chunks are', () => {
    const cuts = fc.array(fc.nat(2_000), { maxLength: 12 });
    const values = fc.array(fc.jsonValue({ stringUnit: 'grapheme' }), { maxLength: 6 });
    fc.assert(
      fc.property(values, cuts, fc.constantFrom('\n', '\r\n'), (sent, at, lineEnd) => {
        const bytes = Buffer.from(sent.map((value) => JSON.stringify(value) + lineEnd).join(''));
        const lines = new JsonLines();
        const received = cut(bytes, at).flatMap((chunk) => lines.push(chunk));
        expect(received).toEqual(sent.map((value) => JSON.parse(JSON.stringify(value)) as unknown));
      }),
      { numRuns: 300 },
    );
  });

  it('skips empty lines', () => {
    expect(new JsonLines().push(Buffer.from('\r\n\n1\n  \n2\n'))).toEqual([1, 2]);
  });

  it('keeps a line that has not ended', () => {
    const lines = new JsonLines();
    expect(lines.push(Buffer.from('{"a":'))).toEqual([]);
    expect(lines.push(Buffer.from('1}'))).toEqual([]);
    expect(lines.push(Buffer.from('\n'))).toEqual([{ a: 1 }]);
  });

  it('refuses what is no JSON', () => {
    expect(() => new JsonLines().push(Buffer.from('hello\n'))).toThrow(SyntaxError);
  });

  it('refuses a line without end instead of keeping it', () => {
    const lines = new JsonLines();
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    const feed = (): void => {
      for (let count = 0; count < 17; count += 1) lines.push(chunk);
    };
    expect(feed).toThrow(/more than 1048576 bytes/);
  });
});

/** Splits bytes at the given places. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}
