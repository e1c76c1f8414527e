import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grownFields, parseQcow2Header, qcow2Overlay } from './qcow2-header.ts';

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

describe('parseQcow2Header', () => {
  const sound = fileOf(512 * MIB);
  const withByte = (position: number, value: number): Buffer => {
    const file = Buffer.from(sound);
    file.writeUInt8(value, position);
    return file;
  };

  it('reads the size of a disk of ours', () => {
    expect(parseQcow2Header(sound.subarray(0, 104), sound.length)).toEqual({
      problem: undefined,
      sizeBytes: 512 * MIB,
    });
  });

  it('takes a disk that QEMU did not close cleanly, which it repairs', () => {
    expect(parseQcow2Header(withByte(79, 1), sound.length).problem).toBeUndefined();
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'is not a disk of smolvm'],
    ['half a disk', Buffer.from('half a disk'), 'is not a disk of smolvm'],
    ['another magic', withByte(0, 0x52), 'is not a disk of smolvm'],
    ['another version', withByte(7, 2), 'is not a disk of smolvm'],
    ['other clusters', withByte(23, 12), 'is not a disk of smolvm'],
    ['a level-1 table elsewhere', withByte(45, 9), 'is not a disk of smolvm'],
    ['the mark of damage', withByte(79, 2), 'is marked as damaged'],
    ['a data file outside', withByte(79, 4), 'needs features that are not known here'],
    ['fewer entries than its size needs', withByte(39, 0), 'is cut off'],
  ])('refuses %s', (_what, file, problem) => {
    expect(parseQcow2Header(file, sound.length)).toEqual({ problem });
  });

  it('refuses a file that ends before its tables', () => {
    expect(parseQcow2Header(sound, 3 * CLUSTER)).toEqual({ problem: 'is cut off' });
  });

  it('says what is wrong, or a size, of whatever bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(103), (noise, fileBytes, at) => {
        const file = Buffer.from(sound.subarray(0, 104));
        Buffer.from(noise).copy(file, at);
        for (const bytes of [Buffer.from(noise), file])
          expect(parseQcow2Header(bytes, fileBytes)).toHaveProperty('problem');
      }),
    );
  });
});

describe('grownFields', () => {
  it('turns the header of a disk into that of a larger one', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 4 * 2 ** 40 }),
      fc.integer({ min: 1, max: 4 * 2 ** 40 }),
    );
    fc.assert(
      fc.property(sizes, ([one, other]) => {
        const [small, large] = [Math.min(one, other), Math.max(one, other)];
        const file = fileOf(small);
        const { position, bytes } = grownFields(file, large);
        bytes.copy(file, position);
        expect(position + bytes.length).toBeLessThanOrEqual(512);
        expect(file.equals(fileOf(large))).toBe(true);
      }),
    );
  });

  it('never makes a disk smaller, nor larger than its table allows', () => {
    expect(() => grownFields(fileOf(2 * MIB), MIB)).toThrow(/in place/);
    expect(() => grownFields(fileOf(2 * MIB), 4 * 2 ** 40 + 1)).toThrow(/in place/);
  });
});
