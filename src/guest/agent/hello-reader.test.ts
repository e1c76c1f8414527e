import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../errors.ts';
import { encodeFrame, FRAME, FrameDecoder } from './frames.ts';
import { HelloReader, type Answer } from './hello-reader.ts';
import { PayloadWriter } from './payload.ts';

const TAG = 0x0a0b0c0d;
const NONCE = Buffer.from('0123456789abcdef');
const helloPayload = new PayloadWriter().u16(1).text('0.1.0').text('boot').text('').u32(1).u32(2).texts([]).bytes();
const hello = encodeFrame({ type: FRAME.GUEST_HELLO, flags: 0, stream: 0, payload: helloPayload }, TAG);
const ok = encodeFrame({ type: FRAME.OK, flags: 0, stream: 9, payload: Buffer.alloc(0) }, TAG);

function readAll(chunks: readonly Buffer[]): Answer | undefined {
  const reader = new HelloReader(NONCE, new FrameDecoder(TAG));
  for (const chunk of chunks) {
    const answer = reader.take(chunk);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => Buffer.from(bytes.subarray(places[index], end)));
}

const cuts = fc.array(fc.nat(2_000), { maxLength: 20 });
const noise = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes));

describe('HelloReader', () => {
  it('finds the answer behind any leftovers of an earlier session, whatever the chunks are', () => {
    const leftovers = fc.oneof(noise, fc.constant(Buffer.concat([hello, NONCE.subarray(0, 15)])));
    fc.assert(
      fc.property(leftovers, cuts, (before, at) => {
        fc.pre(!Buffer.concat([before, NONCE.subarray(0, 15)]).includes(NONCE));
        const answer = readAll(cut(Buffer.concat([before, NONCE, hello]), at));
        expect(answer?.info).toMatchObject({ agentVersion: '0.1.0', bootId: 'boot' });
      }),
      { numRuns: 500 },
    );
  });

  it('finds a nonce whose beginning comes twice', () => {
    const answer = readAll([NONCE.subarray(0, 8), NONCE.subarray(0, 8), NONCE.subarray(8), hello]);
    expect(answer?.info.bootId).toBe('boot');
  });

  it('hands on the frames that came with the answer', () => {
    const answer = readAll([Buffer.concat([NONCE, hello, ok, ok])]);
    expect(answer?.frames.map(({ type, stream }) => [type, stream])).toEqual([
      [FRAME.OK, 9],
      [FRAME.OK, 9],
    ]);
  });

  it('has no answer as long as it is not whole', () => {
    expect(readAll([NONCE])).toBeUndefined();
    expect(readAll([NONCE, hello.subarray(0, -1)])).toBeUndefined();
    expect(readAll([hello])).toBeUndefined();
  });

  it('refuses another frame than a hello behind the nonce', () => {
    expect(() => readAll([NONCE, ok])).toThrow(/instead of its hello/);
  });

  it('takes 1 MiB of leftovers and refuses more', () => {
    const mib = Buffer.alloc(1024 * 1024, 7);
    expect(readAll([mib, NONCE, hello])?.info.bootId).toBe('boot');
    expect(() => readAll([mib, Buffer.alloc(1, 7)])).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
  });

  it('gives an answer, nothing or a breach for any bytes, never another error', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, fc.constantFrom(NONCE, hello, ok, NONCE.subarray(0, 7))), { maxLength: 6 }), cuts, (parts, at) => {
        try {
          readAll(cut(Buffer.concat(parts), at));
        } catch (error) {
          if (!isSmolVMError(error, 'PROTOCOL_ERROR')) throw error;
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
