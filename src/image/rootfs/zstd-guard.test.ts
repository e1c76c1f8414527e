import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZstdGuard } from './zstd-guard.ts';

function isComplete(bytes: Buffer, pieceBytes = bytes.length): boolean {
  const guard = new ZstdGuard();
  for (let at = 0; at < bytes.length; at += pieceBytes) guard.push(bytes.subarray(at, at + pieceBytes));
  return guard.isComplete;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** A frame of one segment that holds "abc" as it is, one with a window, a checksum and a run of bytes, one to leave out. */
const STORED = hex('28b52ffd 20 03 190000 616263');
const RUN = hex('28b52ffd 04 58 030400 78 aabbccdd');
const SKIPPED = hex('502a4d18 03000000 010203');

describe('ZstdGuard', () => {
  it('knows where a stream may end, in pieces of any size', () => {
    const stream = Buffer.concat([STORED, RUN, SKIPPED, STORED]);
    const ends = [
      STORED.length,
      STORED.length + RUN.length,
      STORED.length + RUN.length + SKIPPED.length,
      stream.length,
    ];
    fc.assert(
      fc.property(fc.nat(stream.length), fc.integer({ min: 1, max: 20 }), (end, pieceBytes) => {
        expect(isComplete(stream.subarray(0, end), pieceBytes)).toBe(end === 0 || ends.includes(end));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a window of 2 GiB', '28b52ffd 00 a8', /2147483648 bytes/],
    ['a segment of 4 GiB', '28b52ffd a0 ffffffff', /4294967295 bytes/],
    ['a segment of 16 EiB', '28b52ffd e0 ffffffffffffffff', /bytes of memory/],
    ['a block of no type', '28b52ffd 20 03 060000', /block/],
    ['other data', '68656c6c6f', /no zstd/],
  ])('refuses %s', (_what, bytes, reason) => {
    expect(() => isComplete(hex(bytes))).toThrow(reason);
  });

  it('takes the largest window that zstd uses by itself', () => {
    expect(() => isComplete(hex('28b52ffd 00 88'))).not.toThrow();
  });
});
