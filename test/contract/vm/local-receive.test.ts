import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ChunkReader } from '../../../src/guest/agent/tools/chunk-reader.ts';
import {
  encodeEnd,
  encodePieceHead,
  encodeRecord,
  TreeReader,
} from '../../../src/guest/agent/tools/tree-stream.ts';
import { receiveTree } from '../../../src/vm/files/local-receive.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();

const directory = (path: string, mode = 0o755): Buffer =>
  encodeRecord({ kind: 'directory', path: Buffer.from(path), mode, modifiedAtMs: 1_000 });
const symlink = (path: string, target: string): Buffer =>
  encodeRecord({
    kind: 'symlink',
    path: Buffer.from(path),
    modifiedAtMs: 1_000,
    target: Buffer.from(target),
  });
const file = (path: string, text: string, mode = 0o644): Buffer =>
  Buffer.concat([
    encodeRecord({
      kind: 'file',
      path: Buffer.from(path),
      mode,
      modifiedAtMs: 1_000,
      sizeBytes: text.length,
    }),
    ...(text === '' ? [] : [encodePieceHead(0, text.length), Buffer.from(text)]),
    encodePieceHead(0, 0),
  ]);

/** Receives a hostile or other tree at `out` in the test's folder. */
async function receive(
  records: readonly Buffer[],
  options: { readonly merge?: boolean; readonly maxBytes?: number } = {},
): Promise<void> {
  const bytes = Buffer.concat([...records, encodeEnd(0)]);
  const tree = new TreeReader(
    new ChunkReader(Readable.from([bytes]) as AsyncIterable<Uint8Array, undefined>),
  );
  const { merge = true, maxBytes = 1_000 } = options;
  await receiveTree(tree, join(folder(), 'out'), { merge, maxBytes, expected: 'directory' });
}

describe('a tree from a guest', () => {
  it('is put in place with its modes, but without set-user-id', async () => {
    await receive([directory('', 0o750), directory('closed', 0o555), file('closed/x', 'x', 0o4755)]);
    expect(statSync(join(folder(), 'out')).mode & 0o7777).toBe(0o750);
    expect(statSync(join(folder(), 'out/closed')).mode & 0o7777).toBe(0o555);
    expect(statSync(join(folder(), 'out/closed/x')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(folder(), 'out/closed/x')).mtimeMs).toBe(1_000);
  });

  it.each<[string, readonly Buffer[]]>([
    ['a symlink and a file through it', [directory(''), symlink('l', '../canary'), file('l/x', 'evil')]],
    ['a symlink and a folder in its place', [directory(''), symlink('l', '../canary'), directory('l')]],
    ['the same file twice', [directory(''), file('a', '1'), file('a', '2')]],
    ['a file and a folder of one name', [directory(''), file('a', '1'), directory('a')]],
    ['a file without its folder', [directory(''), file('no/x', '1')]],
    ['more bytes than allowed', [directory(''), file('a', 'x'.repeat(1_001))]],
    ['a file where a folder was asked for', [file('', 'x')]],
    ['a symlink where a folder was asked for', [symlink('', '/etc')]],
  ])('with %s is refused, and nothing is left or touched', async (_what, records) => {
    mkdirSync(join(folder(), 'canary'));
    writeFileSync(join(folder(), 'canary/x'), 'alive');
    await expect(receive(records)).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) as string });
    expect(readdirSync(folder())).toEqual(['canary']);
    expect(readFileSync(join(folder(), 'canary/x'), 'utf8')).toBe('alive');
  });

  it('does not enter a symlink of this host that stands where its folder goes', async () => {
    mkdirSync(join(folder(), 'canary'));
    mkdirSync(join(folder(), 'out'));
    symlinkSync('../canary', join(folder(), 'out/sub'));
    await expect(receive([directory(''), directory('sub'), file('sub/x', 'evil')])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(readdirSync(join(folder(), 'canary'))).toEqual([]);
  });

  it('without merging leaves what is there alone', async () => {
    mkdirSync(join(folder(), 'out'));
    await expect(receive([directory(''), file('x', '1')], { merge: false })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(readdirSync(join(folder(), 'out'))).toEqual([]);
  });
});
