import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qcow2Overlay } from './qcow2-header.ts';

const MIB = 2 ** 20;
const CLUSTER = 65_536;

/** The file that a layout describes. */
function fileOf(sizeBytes: number, backing = '/images/base'): Buffer {
  const { fileBytes, pieces } = qcow2Overlay(sizeBytes, backing);
  const file = Buffer.alloc(fileBytes);
  for (const { position, bytes } of pieces) bytes.copy(file, position);
  return file;
}

describe('qcow2Overlay', () => {
  it('writes the fields of a version 3 header (docs/interop/qcow2.txt)', () => {
    const file = fileOf(512 * MIB);
    expect(file.toString('latin1', 0, 4)).toBe('QFI\xfb');
    expect(file.readUInt32BE(4)).toBe(3);
    expect(file.readUInt32BE(20)).toBe(16);
    expect(file.readBigUInt64BE(24)).toBe(BigInt(512 * MIB));
    expect(file.readUInt32BE(32), 'no encryption').toBe(0);
    expect(file.readUInt32BE(36), 'level-1 entries').toBe(1);
    expect(file.readBigUInt64BE(40), 'level-1 table').toBe(3n * BigInt(CLUSTER));
    expect(file.readBigUInt64BE(48), 'reference count table').toBe(BigInt(CLUSTER));
    expect(file.readUInt32BE(56), 'its clusters').toBe(1);
    expect(file.readUInt32BE(60), 'no snapshots').toBe(0);
    expect(
      file.subarray(72, 96).every((byte) => byte === 0),
      'no features',
    ).toBe(true);
    expect(file.readUInt32BE(96), '16-bit reference counts').toBe(4);
    expect(file.readUInt32BE(100), 'header length').toBe(104);
  });

  it('names the backing file, and raw as its format, so that nobody guesses', () => {
    const path = '/images/ä,b';
    const file = fileOf(MIB, path);
    const at = Number(file.readBigUInt64BE(8));
    expect(file.toString('utf8', at, at + file.readUInt32BE(16))).toBe(path);
    expect(file.readUInt32BE(104)).toBe(0xe279_2aca);
    expect(file.readUInt32BE(108)).toBe(3);
    expect(file.toString('latin1', 112, 115)).toBe('raw');
    expect(file.readUInt32BE(120), 'end of the extensions').toBe(0);
  });

  it.each([
    [1, 1],
    [512 * MIB, 1],
    [512 * MIB + 1, 2],
    [16 * 1024 * MIB, 32],
  ])('gives a disk of %i bytes %i level-1 entries', (size, entries) => {
    expect(fileOf(size).readUInt32BE(36)).toBe(entries);
  });

  it('counts every cluster of the file once and no other', () => {
    const sizes = fc.integer({ min: 1, max: 2 ** 45 });
    fc.assert(
      fc.property(sizes, (size) => {
        const { fileBytes, pieces } = qcow2Overlay(size, '/b');
        const counts = pieces.find(({ position }) => position === 2 * CLUSTER);
        expect(fileBytes % CLUSTER).toBe(0);
        expect(counts?.bytes.length).toBe((fileBytes / CLUSTER) * 2);
        expect(pieces.every(({ position, bytes }) => position + bytes.length <= fileBytes)).toBe(true);
      }),
    );
  });

  it('takes a path of 1023 bytes and refuses a longer one', () => {
    expect(fileOf(MIB, `/${'x'.repeat(1_022)}`).readUInt32BE(16)).toBe(1_023);
    expect(() => qcow2Overlay(MIB, `/${'x'.repeat(1_023)}`)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect(() => qcow2Overlay(MIB, `/${'ä'.repeat(512)}`)).toThrow(/1025 bytes/);
  });
});
