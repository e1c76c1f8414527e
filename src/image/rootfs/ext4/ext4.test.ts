import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bitmap } from './bitmap.ts';
import { CRC_START, crc32c } from './crc32c.ts';
import { directoryBlockCount, encodeDirectory } from './directory.ts';
import { encodeExtents, treeBlockCount } from './extents.ts';
import { BLOCK_BYTES, hasSuperblock, neededMib } from './layout.ts';
import { encodeXattrs } from './xattrs.ts';

describe('crc32c', () => {
  it('gives the check value of the Castagnoli polynomial', () => {
    expect(~crc32c(CRC_START, Buffer.from('123456789')) >>> 0).toBe(0xe306_9283);
    expect(crc32c(crc32c(CRC_START, Buffer.from('1234')), Buffer.from('56789'))).toBe(
      crc32c(CRC_START, Buffer.from('123456789')),
    );
  });
});

describe('extents', () => {
  it.each([0, 1, 4, 5, 340, 341, 1360, 1361, 5000])(
    '%i of them take the blocks that were counted',
    async (count) => {
      const extents = Array.from({ length: count }, (_, index) => ({
        at: 2 * index,
        start: 1000 + index,
        count: 1,
      }));
      let next = 0;
      const { inInode, blocks } = await encodeExtents(extents, async () => (next += 1), 0);
      expect(blocks).toHaveLength(treeBlockCount(count));
      expect(inInode.readUInt16LE(2)).toBeLessThanOrEqual(4);
      const leaves = blocks.filter(({ bytes }) => bytes.readUInt16LE(6) === 0);
      const inLeaves = leaves.reduce((sum, { bytes }) => sum + bytes.readUInt16LE(2), 0);
      expect(count <= 4 ? inInode.readUInt16LE(2) : inLeaves).toBe(count);
    },
  );
});

describe('directories', { timeout: 60_000 }, () => {
  it('take the blocks that were counted, and each block is full to its end', () => {
    const names = fc.uniqueArray(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 255 }),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(names, (list) => {
        const entries = ['.', '..', ...list].map((name) => ({ name, inode: 12, type: 1 as const }));
        const bytes = encodeDirectory(entries, 0);
        expect(bytes).toHaveLength(BLOCK_BYTES * directoryBlockCount(list));
        const found: string[] = [];
        for (let at = 0; at < bytes.length; at += bytes.readUInt16LE(at + 4))
          if (bytes.readUInt32LE(at) !== 0)
            found.push(bytes.toString('latin1', at + 8, at + 8 + bytes.readUInt8(at + 6)));
        expect(found).toEqual(entries.map(({ name }) => name));
      }),
    );
  });
});

describe('extended attributes', () => {
  it.each([
    ['none', {}, 'none'],
    ['a short one', { 'user.a': 'b' }, 'inode'],
    ['one of macOS', { 'com.apple.quarantine': 'x' }, 'none'],
    ['a long one', { 'user.a': 'b'.repeat(100) }, 'block'],
    ['as much as fits', { 'user.a': 'b'.repeat(4040) }, 'block'],
  ])('%s: %o', (_what, values, kind) => {
    const xattrs = new Map(Object.entries(values).map(([name, value]) => [name, Buffer.from(value)]));
    expect(encodeXattrs(xattrs).kind).toBe(kind);
  });

  it.each([
    ['more than fits', 'user.a', 4041],
    ['no name', 'user.', 1],
    ['a long name', `user.${'n'.repeat(256)}`, 1],
  ])('%s is refused', (_what, name, bytes) => {
    expect(() => encodeXattrs(new Map([[name, Buffer.alloc(bytes)]]))).toThrow(/extended attribute/);
  });
});

describe('the needed size', { timeout: 60_000 }, () => {
  it('grows with what is needed, and never ends in a loop', () => {
    const needs = fc.record({ inodes: fc.nat(1_000_000), blocks: fc.nat(2 ** 24) });
    fc.assert(
      fc.property(needs, fc.nat(100_000), (one, more) => {
        const needed = neededMib(one);
        expect(needed * 256).toBeGreaterThan(one.blocks);
        expect(neededMib({ ...one, blocks: one.blocks + more })).toBeGreaterThanOrEqual(needed - 128);
      }),
    );
  });

  it('counts the copies of the superblock', () => {
    expect(Array.from({ length: 130 }, (_, group) => group).filter(hasSuperblock)).toEqual([
      0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125,
    ]);
  });
});

describe('Bitmap', () => {
  it('finds what is free', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(63), (bytes, from) => {
        const map = new Bitmap(Buffer.from(bytes));
        const first = Array.from({ length: 64 - from }, (_, index) => from + index).find(
          (index) => !map.has(index),
        );
        expect(map.firstFree(from, 64)).toBe(first ?? 64);
        const run = map.freeRun(from, 64);
        for (let index = from; index < from + run; index += 1) expect(map.has(index)).toBe(false);
        expect(from + run === 64 || map.has(from + run)).toBe(true);
        map.set(from, 64 - from);
        expect(map.firstFree(from, 64)).toBe(64);
      }),
    );
  });
});
