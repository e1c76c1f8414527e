import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayerProblem } from '../layer-problem.ts';
import { ByteSource } from './byte-source.ts';
import { encodeEntry, END_OF_ARCHIVE, endOfContents } from './encode-entry.ts';
import { readTar, type TarEntry } from './read-tar.ts';

type Known = Omit<TarEntry, 'body'> & { readonly contents: Buffer };

async function entriesOf(bytes: Buffer, pieceBytes = bytes.length): Promise<readonly Known[]> {
  const pieces = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  const stream = Readable.from(pieces(), { objectMode: false });
  const found: Known[] = [];
  for await (const { body, ...entry } of readTar(new ByteSource(stream, new AbortController().signal))) {
    const parts: Buffer[] = [];
    for await (const part of body) parts.push(part);
    found.push({ ...entry, contents: Buffer.concat(parts) });
  }
  return found;
}

function archiveOf(entries: readonly Known[]): Buffer {
  const parts = entries.flatMap((entry) => [
    encodeEntry(entry),
    entry.contents,
    endOfContents(entry.contents.length),
  ]);
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** Any bytes but NUL, and no slash at the end, which would tell a folder. */
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: 1, maxLength, min: 1 })
    .map((bytes) => `${Buffer.from(bytes).toString('latin1')}x`);

const known: fc.Arbitrary<Known> = fc
  .record({
    name: text(300),
    kind: fc.constantFrom<TarEntry['kind']>(
      'file',
      'link',
      'symlink',
      'character',
      'block',
      'folder',
      'fifo',
    ),
    mode: fc.nat(0o7777),
    uid: fc.nat(0xffff_fffe),
    gid: fc.nat(0xffff_fffe),
    mtime: fc.record({
      seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      nanoseconds: fc.nat(999_999_999),
    }),
    linkName: text(300),
    devMajor: fc.nat(0o7777777),
    devMinor: fc.nat(0o7777777),
    xattrs: fc
      .array(
        fc.tuple(
          text(20).map((name) => name.replaceAll('=', '-')),
          fc.uint8Array({ maxLength: 50 }),
        ),
        { maxLength: 4 },
      )
      .map((pairs) => new Map(pairs.map(([name, value]) => [name, Buffer.from(value)]))),
    contents: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  })
  .map((entry) => {
    const contents = entry.kind === 'file' ? entry.contents : Buffer.alloc(0);
    return { ...entry, contents, sizeBytes: contents.length };
  });

describe('readTar', { timeout: 60_000 }, () => {
  it('reads what was written, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(known, { maxLength: 4 }),
        fc.integer({ min: 1, max: 3000 }),
        async (entries, pieceBytes) => {
          expect(await entriesOf(archiveOf(entries), pieceBytes)).toEqual(entries);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('refuses damaged archives or reads on, and never fails otherwise', async () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(known, { minLength: 1, maxLength: 3 }),
        fc.array(change, { minLength: 1, maxLength: 5 }),
        async (entries, changes) => {
          const bytes = archiveOf(entries);
          for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
          await entriesOf(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(LayerProblem));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves out contents that nobody reads', async () => {
    const entry = {
      name: 'a',
      kind: 'file',
      mode: 0,
      uid: 0,
      gid: 0,
      mtime: { seconds: 0, nanoseconds: 0 },
      linkName: '',
    } as const;
    const rest = {
      devMajor: 0,
      devMinor: 0,
      xattrs: new Map(),
      sizeBytes: 1000,
      contents: Buffer.alloc(1000, 'x'),
    };
    const stream = Readable.from(
      [
        archiveOf([
          { ...entry, ...rest },
          { ...entry, ...rest, name: 'b' },
        ]),
      ],
      { objectMode: false },
    );
    const names: string[] = [];
    for await (const { name, body } of readTar(new ByteSource(stream, new AbortController().signal))) {
      names.push(name);
      if (name === 'a') for await (const part of body) if (part.length > 0) break;
    }
    expect(names).toEqual(['a', 'b']);
  });
});
