import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../../errors.ts';
import { ChunkReader } from './chunk-reader.ts';
import { readEntry } from './entries.ts';
import {
  encodeEnd,
  encodeFailure,
  encodePieceHead,
  encodeRecord,
  TreeReader,
  type TreeRecord,
} from './tree-stream.ts';

/** Bytes that come in pieces of some size. */
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array, undefined> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
  return undefined;
}

const treeOf = (bytes: Buffer, size = 7): TreeReader => new TreeReader(new ChunkReader(inPieces(bytes, size)));

/** Everything of a stream: records, and the contents of files. */
async function readAll(tree: TreeReader): Promise<readonly (readonly [TreeRecord, string])[]> {
  const all: [TreeRecord, string][] = [];
  for (let record = await tree.next(); record !== undefined; record = await tree.next()) {
    let contents = '';
    if (record.kind === 'file')
      for await (const { offset, bytes } of tree.pieces(record.sizeBytes)) contents += `${offset}:${bytes.toString()} `;
    all.push([record, contents]);
  }
  return all;
}

const root = encodeRecord({ kind: 'directory', path: Buffer.alloc(0), mode: 0o755, modifiedAtMs: 1 });
const file = (path: string, sizeBytes = 3): Buffer =>
  encodeRecord({ kind: 'file', path: Buffer.from(path), mode: 0o644, modifiedAtMs: 2, sizeBytes });
const link = (path: string): Buffer =>
  encodeRecord({ kind: 'symlink', path: Buffer.from(path), modifiedAtMs: 3, target: Buffer.from('/etc') });
const piece = (offset: number, text: string): Buffer =>
  Buffer.concat([encodePieceHead(offset, text.length), Buffer.from(text)]);
const noMore = encodePieceHead(0, 0);
const end = encodeEnd(0);

describe('a tree stream', () => {
  it('is read as it was written, in pieces of any size', async () => {
    const bytes = Buffer.concat([root, file('a', 9), piece(0, 'one'), piece(6, 'two'), noMore, link('l'), encodeEnd(4)]);
    for (const size of [1, 2, 7, 1000]) {
      const tree = treeOf(bytes, size);
      const all = await readAll(tree);
      expect(all.map(([{ kind, path }]) => [kind, path.toString()])).toEqual([
        ['directory', ''],
        ['file', 'a'],
        ['symlink', 'l'],
      ]);
      expect(all[1]?.[1].replaceAll(/ \d+:/g, '')).toMatch(/^0:one.*two $/);
      expect(tree.skippedCount).toBe(4);
    }
  });

  it.each<[string, Buffer]>([
    ['a root with a name', Buffer.concat([file('x'), noMore, end])],
    ['a second root', Buffer.concat([root, root, end])],
    ['a path that leads out', Buffer.concat([root, file('../x'), noMore, end])],
    ['a path that leads out below', Buffer.concat([root, file('a/../../x'), noMore, end])],
    ['an absolute path', Buffer.concat([root, file('/etc/x'), noMore, end])],
    ['an empty component', Buffer.concat([root, file('a//x'), noMore, end])],
    ['a dot', Buffer.concat([root, file('./x'), noMore, end])],
    ['a NUL', Buffer.concat([root, file('a\0b'), noMore, end])],
    ['a name that is too long', Buffer.concat([root, file('x'.repeat(256)), noMore, end])],
    ['a path that is too deep', Buffer.concat([root, file('a/'.repeat(300) + 'a'), noMore, end])],
    ['data beyond the size', Buffer.concat([root, file('a', 2), piece(0, 'abc'), noMore, end])],
    ['data that goes back', Buffer.concat([root, file('a', 9), piece(3, 'abc'), piece(0, 'abc'), noMore, end])],
    ['a piece that is too large', Buffer.concat([root, file('a', 2 ** 40), encodePieceHead(0, 2 ** 30), end])],
    ['an unknown kind', Buffer.concat([root, Buffer.of(0x5a), end])],
    ['more after the end', Buffer.concat([root, end, Buffer.of(1)])],
    ['no root', end],
    ['nothing', Buffer.alloc(0)],
  ])('with %s is refused', async (_what, bytes) => {
    await expect(readAll(treeOf(bytes))).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  });

  it('that is cut anywhere is refused', async () => {
    const bytes = Buffer.concat([root, file('a', 3), piece(0, 'abc'), noMore, link('l'), end]);
    for (let length = 0; length < bytes.length; length += 1)
      await expect(readAll(treeOf(bytes.subarray(0, length))), String(length)).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  });

  it('whose sender failed says why', async () => {
    const failed = Buffer.concat([root, encodeFailure('13 open /srv/\x1b[31msecret')]);
    await expect(readAll(treeOf(failed))).rejects.toMatchObject({
      code: 'GUEST_FILE_FAILED',
      message: String.raw`in the guest: open '/srv/\x1b[31msecret': permission denied`,
      details: { errno: 'EACCES' },
    });
  });

  it('of random bytes never gives anything but a typed error', async () => {
    const random = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }).map((rest) => Buffer.concat([root, rest])),
    );
    await fc.assert(
      fc.asyncProperty(random, async (bytes) => {
        const outcome = await readAll(treeOf(Buffer.from(bytes))).catch((error: unknown) => error);
        expect(Array.isArray(outcome) || isSmolVMError(outcome)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('an entry', () => {
  it('of random bytes never gives anything but an entry or a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (bytes) => {
        const outcome = await readEntry(new ChunkReader(inPieces(Buffer.from(bytes), 9))).catch((error: unknown) => error);
        expect(isSmolVMError(outcome) || (typeof outcome === 'object' && outcome !== null && 'type' in outcome)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
