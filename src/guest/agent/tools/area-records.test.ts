import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AREA_PIECE_BYTES } from '../../../spec/transfer-area.ts';
import { AreaParser, encodeAreaRecord, type AreaPart } from './area-records.ts';

/** What a parser makes of bytes that come in chunks, with neighbouring bytes joined. */
function parse(chunks: readonly Buffer[]): { readonly parts: AreaPart[]; readonly parser: AreaParser } {
  const parser = new AreaParser();
  const parts: AreaPart[] = [];
  for (const part of chunks.flatMap((chunk) => [...parser.parts(chunk)])) {
    const last = parts.at(-1);
    if (part.kind === 'bytes' && last?.kind === 'bytes')
      parts[parts.length - 1] = { kind: 'bytes', bytes: Buffer.concat([last.bytes, part.bytes]) };
    else parts.push(part);
  }
  return { parts, parser };
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

describe('the output of a tool that uses the area', () => {
  it('is the same in whatever chunks it comes', () => {
    const part = fc.oneof(
      fc.integer({ min: 1, max: AREA_PIECE_BYTES }).map((lengthBytes) => ({ kind: 'piece' as const, lengthBytes })),
      fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes) => ({ kind: 'bytes' as const, bytes: Buffer.from(bytes) })),
    );
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.concat(
          sent.flatMap((one) =>
            one.kind === 'piece'
              ? [encodeAreaRecord(one)]
              : [encodeAreaRecord({ kind: 'inline', lengthBytes: one.bytes.length }), one.bytes],
          ),
        );
        const chunks: Buffer[] = [];
        for (let at = 0, index = 0; at < stream.length; index += 1) {
          const size = cuts[index % cuts.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const { parts, parser } = parse(chunks);
        expect(parts).toEqual(parse([stream]).parts);
        const all = sent.flatMap((one) => (one.kind === 'bytes' ? [one.bytes] : []));
        expect(Buffer.concat(parts.flatMap((one) => (one.kind === 'bytes' ? [one.bytes] : [])))).toEqual(Buffer.concat(all));
        parser.requireWhole();
      }),
    );
  });

  it.each([
    ['an empty piece', 0],
    ['a piece that is too long', AREA_PIECE_BYTES + 1],
    ['the longest piece there can be', 0x7fff_ffff],
    ['an empty record', 0x8000_0000],
    ['a record that is too long', 0x8000_0000 + 1_048_577],
    ['the longest record there can be', 0xffff_ffff],
  ])('must not hold %s', (_what, head) => {
    expect(() => parse([u32(head)])).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }) as Error);
  });

  it('must not end within a record', () => {
    for (const bytes of [u32(5).subarray(0, 3), u32(0x8000_0002), Buffer.concat([u32(0x8000_0002), Buffer.of(1)])]) {
      const { parser } = parse([bytes]);
      expect(() => {
        parser.requireWhole();
      }).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }) as Error);
    }
    parse([u32(5)]).parser.requireWhole();
  });
});
