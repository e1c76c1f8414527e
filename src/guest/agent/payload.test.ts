import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../errors.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';

type Field =
  | { readonly kind: 'u8' | 'u16' | 'u32'; readonly value: number }
  | { readonly kind: 'u64'; readonly value: bigint }
  | { readonly kind: 'text'; readonly value: string };

const uint = (kind: 'u8' | 'u16' | 'u32', bits: number): fc.Arbitrary<Field> =>
  fc.record({ kind: fc.constant(kind), value: fc.integer({ min: 0, max: 2 ** bits - 1 }) });

const field: fc.Arbitrary<Field> = fc.oneof(
  uint('u8', 8),
  uint('u16', 16),
  uint('u32', 32),
  fc.record({ kind: fc.constant('u64' as const), value: fc.bigInt({ min: 0n, max: 2n ** 53n }) }),
  fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'grapheme', maxLength: 20 }) }),
);

function write(fields: readonly Field[]): Buffer {
  const writer = new PayloadWriter();
  for (const one of fields) {
    if (one.kind === 'u64') writer.u64(one.value);
    else if (one.kind === 'text') writer.text(one.value);
    else writer[one.kind](one.value);
  }
  return writer.bytes();
}

function read(bytes: Buffer, fields: readonly Field[]): unknown[] {
  const reader = new PayloadReader(bytes);
  return fields.map(({ kind }) => (kind === 'text' ? reader.text(1_000) : reader[kind]()));
}

const asRead = ({ kind, value }: Field): unknown => (kind === 'u64' ? Number(value) : value);

describe('a payload', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
        expect(read(write(fields), fields)).toEqual(fields.map(asRead));
      }),
      { numRuns: 500 },
    );
  });

  it('that is cut anywhere is a breach of the protocol', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), fc.nat(), (fields, at) => {
        const bytes = write(fields);
        expect(() => read(bytes.subarray(0, at % bytes.length), fields)).toThrow(
          expect.objectContaining({ code: 'PROTOCOL_ERROR' }),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('of arbitrary bytes is read or is a breach, and gives no string beyond its bound', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(field, { maxLength: 8 }), (bytes, fields) => {
        try {
          for (const value of read(Buffer.from(bytes), fields)) {
            if (typeof value === 'string') expect(Buffer.byteLength(value)).toBeLessThanOrEqual(3 * bytes.length);
          }
        } catch (error) {
          expect(isSmolVMError(error, 'PROTOCOL_ERROR')).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('has its numbers in little-endian order', () => {
    const bytes = new PayloadWriter().u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0fn).bytes();
    expect(bytes.toString('hex')).toBe('01' + '0302' + '07060504' + '0f0e0d0c0b0a0908');
  });

  it('has its strings behind their length in bytes, and lists behind their count', () => {
    expect(new PayloadWriter().texts(['ä', '']).bytes().toString('hex')).toBe('02000000' + '02000000c3a4' + '00000000');
  });

  it('refuses a string that is longer than it may be, before it is read', () => {
    const bytes = new PayloadWriter().u32(0xffff_ffff).bytes();
    expect(() => new PayloadReader(bytes).text(10)).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
    expect(new PayloadReader(new PayloadWriter().text('12345').bytes()).text(5)).toBe('12345');
    expect(() => new PayloadReader(new PayloadWriter().text('123456').bytes()).text(5)).toThrow(/6 bytes/);
  });
});
