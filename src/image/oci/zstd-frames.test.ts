import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZstdFrames } from './zstd-frames.ts';

/** `zstd -19` of "hello hello hello hello hello hello" and a newline, with checksum. */
const COMPRESSED = Buffer.from('28b52ffd04686d00003868656c6c6f200a0100b94b116b1f0867', 'hex');
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** What following these bytes, in pieces of a size, comes to. */
function follow(bytes: Uint8Array, pieceBytes = bytes.length): boolean {
  const frames = new ZstdFrames();
  for (let at = 0; at < bytes.length; at += pieceBytes) frames.push(bytes.subarray(at, at + pieceBytes));
  return frames.isComplete;
}

const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
/** A frame with a window descriptor and one last block of a repeated byte. */
const repeated = (window: number, size: number) => {
  const header = (size << 3) | (1 << 1) | 1;
  return Buffer.from([...MAGIC, 0, window, header & 0xff, (header >> 8) & 0xff, header >> 16, 0x41]);
};

describe('ZstdFrames', () => {
  it.each([
    ['a frame', COMPRESSED],
    ['two frames', Buffer.concat([COMPRESSED, COMPRESSED])],
    [
      'frames with others to be skipped',
      Buffer.concat([skippable, COMPRESSED, skippable, COMPRESSED, skippable]),
    ],
    ['a repeated byte', repeated(0, 1_000)],
    ['nothing', Buffer.alloc(0)],
  ])('follows %s, in pieces of any size', (_what, bytes) => {
    for (const pieceBytes of [1, 2, 3, 7, 1_000]) expect(follow(bytes, pieceBytes)).toBe(true);
  });

  it('knows when the end is missing', () => {
    for (let length = 1; length < COMPRESSED.length; length += 1)
      expect(follow(COMPRESSED.subarray(0, length))).toBe(false);
    expect(follow(skippable.subarray(0, 10))).toBe(false);
  });

  it.each([
    ['a window of 2 GiB', repeated(21 << 3, 1), /window/],
    ['a window just too large', repeated((17 << 3) | 1, 1), /window/],
    [
      'a content of 2^60 bytes in one segment',
      Buffer.from([...MAGIC, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10]),
      /window/,
    ],
    ['a block that stands for 2 MiB', repeated(17 << 3, 2 ** 21 - 1), /block/],
    ['a block of no known type', Buffer.from([...MAGIC, 0, 0, 7, 0, 0]), /block/],
    ['a dictionary', Buffer.from([...MAGIC, 1, 0, 0, 0, 0]), /dictionary/],
    ['other data', Buffer.from('hello, this is no archive'), /no zstd/],
    ['other data after a frame', Buffer.concat([COMPRESSED, Buffer.from('hello')]), /no zstd/],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => follow(bytes)).toThrow(message);
    expect(() => follow(bytes, 1)).toThrow(message);
  });

  it('takes the largest window that zstd does', () => {
    expect(follow(repeated(17 << 3, 128 * 1024))).toBe(true);
  });

  it('comes to an end with any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (rest) => {
        try {
          follow(Buffer.from([...MAGIC, ...rest]));
        } catch (error) {
          expect(String(error)).toMatch(/window|block|dictionary|zstd/);
        }
      }),
    );
  });
});
