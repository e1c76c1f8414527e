import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../errors.ts';
import { encodeFrame, FRAME, FrameDecoder, MAX_GUEST_PAYLOAD, MAX_HOST_PAYLOAD, type Frame } from './frames.ts';

const TAG = 0x04030201;
const guestType = fc.integer({ min: FRAME.GUEST_HELLO, max: FRAME.ERROR });
const frame: fc.Arbitrary<Frame> = fc.record({
  type: guestType,
  flags: fc.nat(255),
  stream: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  payload: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
});
const cuts = fc.array(fc.nat(5_000), { maxLength: 20 });

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => Buffer.from(bytes.subarray(places[index], end)));
}

function decodeAll(chunks: readonly Buffer[], tag = TAG): Frame[] {
  const decoder = new FrameDecoder(tag);
  return chunks.flatMap((chunk) => decoder.push(chunk));
}

/** True for frames, false for a breach; anything else escapes. */
function isTaken(chunks: readonly Buffer[]): boolean {
  try {
    decodeAll(chunks);
    return true;
  } catch (error) {
    if (isSmolVMError(error, 'PROTOCOL_ERROR')) return false;
    throw error;
  }
}

const one = (type: number, length = 0, tag = TAG): Buffer =>
  encodeFrame({ type, flags: 0, stream: 1, payload: Buffer.alloc(length) }, tag);

describe('encodeFrame', () => {
  it('lays a frame out as the protocol says', () => {
    const payload = Buffer.from('hi');
    expect(encodeFrame({ type: 0x03, flags: 1, stream: 0x0a0b0c0d, payload }, 0x11223344).toString('hex')).toBe(
      '03' + '01' + '0000' + '0d0c0b0a' + '02000000' + '6869' + '44332211',
    );
  });

  it('fits 16 KiB to the guest and 32 KiB from it', () => {
    expect(one(FRAME.STDIN, MAX_HOST_PAYLOAD)).toHaveLength(16_384);
    expect(one(FRAME.STDOUT, MAX_GUEST_PAYLOAD)).toHaveLength(32_768);
  });
});

describe('FrameDecoder', () => {
  it('gives the frames that were encoded, whatever the chunks are', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, at) => {
        const bytes = Buffer.concat(frames.map((each) => encodeFrame(each, TAG)));
        expect(decodeAll(cut(bytes, at))).toEqual(frames);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same frames byte by byte', () => {
    const bytes = Buffer.concat([one(FRAME.STDOUT, 3), one(FRAME.EXIT, 0)]);
    expect(decodeAll(bytes.toString('latin1').split('').map((byte) => Buffer.from(byte, 'latin1')))).toHaveLength(2);
  });

  it('takes the largest frame and no larger one', () => {
    expect(isTaken([one(FRAME.STDOUT, MAX_GUEST_PAYLOAD)])).toBe(true);
    expect(isTaken([one(FRAME.STDOUT, MAX_GUEST_PAYLOAD + 1)])).toBe(false);
  });

  it('refuses a length that is too large from the header alone', () => {
    const header = one(FRAME.STDOUT).subarray(0, 12);
    header.writeUInt32LE(0xffff_ffff, 8);
    expect(isTaken([header])).toBe(false);
  });

  it('refuses a frame of another session', () => {
    expect(isTaken([one(FRAME.STDOUT, 4, TAG + 1)])).toBe(false);
    expect(isTaken([one(FRAME.STDOUT, 4, 0)])).toBe(false);
  });

  it('refuses every type that the guest may not send', () => {
    for (let type = 0; type <= 255; type += 1) {
      expect(isTaken([one(type)]), `type ${type}`).toBe(type >= FRAME.GUEST_HELLO && type <= FRAME.LISTED);
    }
  });

  it('refuses a reserved field that is not 0', () => {
    const bytes = one(FRAME.STDOUT);
    bytes.writeUInt16LE(1, 2);
    expect(isTaken([bytes])).toBe(false);
  });

  it('gives frames or a breach for any bytes, never another error', () => {
    const header = fc
      .tuple(fc.constantFrom(0x81, 0x83, 0x85, 0x8b, 0x00, 0xff), fc.nat(40_000), fc.constantFrom(0, 0, 1))
      .map(([type, length, reserved]) => {
        const bytes = Buffer.alloc(12);
        bytes.writeUInt8(type, 0);
        bytes.writeUInt16LE(reserved, 2);
        bytes.writeUInt32LE(length, 8);
        return bytes;
      });
    const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
    const hostile = fc.array(fc.oneof(noise, header, frame.map((each) => encodeFrame(each, TAG))), { maxLength: 8 });
    fc.assert(
      fc.property(hostile, cuts, (parts, at) => typeof isTaken(cut(Buffer.concat(parts), at)) === 'boolean'),
      { numRuns: 5_000 },
    );
  });

  it('holds at most one frame, however long the guest goes on', () => {
    const decoder = new FrameDecoder(TAG);
    const bytes = Buffer.concat([one(FRAME.STDOUT, 30_000), one(FRAME.STDOUT, 30_000).subarray(0, 20_000)]);
    const tail = one(FRAME.STDOUT, 30_000).subarray(20_000);
    for (let round = 0; round < 200; round += 1) {
      expect(decoder.push(bytes)).toHaveLength(1);
      expect(decoder.push(tail)).toHaveLength(1);
    }
    expect(decoder.push(Buffer.alloc(0))).toEqual([]);
  });
});
