import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { images } from '../../../src/index.ts';
import { makeTar } from '../../support/oci-image.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const inWorld = (name: string): string => join(world().folder, name);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

beforeEach(async () => {
  writeFileSync(inWorld('root.tar'), await makeTar({ 'etc/what': 'x'.repeat(5_000) }));
  await images.import({ path: inWorld('root.tar') }, 'tools:1', { sizeMib: 64 });
  await images.save('tools:1', inWorld('saved.tar'));
});

/** Names of the store, and whatever else is in the folder. */
function traces(): readonly string[] {
  return [
    ...readdirSync(join(world().home, 'images', 'rootfs')),
    ...readdirSync(world().folder).filter((name) => name.startsWith('.')),
  ].sort();
}

interface Member {
  readonly name: string;
  readonly type?: 'file' | 'symlink' | 'link' | 'directory';
  readonly content: Buffer;
}

async function membersOf(path: string): Promise<Member[]> {
  const members: Member[] = [];
  const reader = extract();
  reader.end(readFileSync(path));
  for await (const entry of reader) {
    const pieces: Buffer[] = [];
    for await (const piece of entry as AsyncIterable<Buffer>) pieces.push(piece);
    members.push({ name: entry.header.name, content: Buffer.concat(pieces) });
  }
  return members;
}

async function write(path: string, members: readonly Member[]): Promise<void> {
  const archive = pack();
  for (const { name, type = 'file', content } of members)
    if (type === 'file') archive.entry({ name, type }, content);
    else archive.entry({ name, type, linkname: '/etc/passwd' });
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive as AsyncIterable<Buffer>) pieces.push(piece);
  writeFileSync(path, Buffer.concat(pieces));
}

/** The same archive, changed. */
async function changed(change: (members: Member[]) => readonly Member[]): Promise<string> {
  await write(inWorld('changed.tar'), change(await membersOf(inWorld('saved.tar'))));
  return inWorld('changed.tar');
}

const replaced = (members: readonly Member[], name: string, content: Buffer): Member[] =>
  members.map((member) => (member.name === name ? { ...member, content } : member));

/** The same with a manifest that fits the contents, so that only what is inside can be wrong. */
function withContents(members: readonly Member[], name: string, content: Buffer): Member[] {
  const manifest = JSON.parse(String(members[0]?.content)) as { files: { path: string }[] };
  const files = manifest.files.map((file) =>
    file.path === name ? { path: name, sizeBytes: content.length, sha256: sha256(content) } : file,
  );
  return replaced(
    replaced(members, name, content),
    'manifest.json',
    Buffer.from(JSON.stringify({ ...manifest, files })),
  );
}

describe('an image that was saved', () => {
  test('is loaded with the same contents and configuration, and takes no room for its holes', async () => {
    const before = await images.inspect('tools:1');
    const contents = readFileSync(before.rootfsPath);
    await images.remove('tools:1');
    const image = await images.load(inWorld('saved.tar'));
    expect(image.name).toBe('tools:1');
    expect(readFileSync(image.rootfsPath).equals(contents)).toBe(true);
    expect(await images.inspect('tools:1')).toMatchObject({
      state: 'ready',
      source: { kind: 'saved' },
      sizeMib: 64,
    });
    expect(statSync(image.rootfsPath).blocks * 512).toBeLessThan(16 * 1024 * 1024);
    expect(statSync(inWorld('saved.tar')).size).toBeLessThan(1024 * 1024);
  });

  test('can be loaded under another name, beside the first', async () => {
    expect((await images.load(inWorld('saved.tar'), { name: 'copy' })).name).toBe('copy:latest');
    expect((await images.list()).flatMap(({ names }) => names)).toEqual(['copy:latest', 'tools:1']);
  });

  test('does not take a name that is taken, unless it is told to', async () => {
    const before = await images.inspect('tools:1');
    await expect(images.load(inWorld('saved.tar'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await images.inspect('tools:1')).toEqual(before);
    await images.load(inWorld('saved.tar'), { overwrite: true });
    expect((await images.inspect('tools:1')).key).not.toBe(before.key);
  });

  test('is not written over a file, unless it is told to; a failure keeps the old one', async () => {
    const old = readFileSync(inWorld('saved.tar'));
    await expect(images.save('tools:1', inWorld('saved.tar'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    const controller = new AbortController();
    const onProgress = (): void => {
      controller.abort();
    };
    const how = { overwrite: true, signal: controller.signal, onProgress };
    await expect(images.save('tools:1', inWorld('saved.tar'), how)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(readFileSync(inWorld('saved.tar')).equals(old)).toBe(true);
    expect(traces()).toHaveLength(1);
    await images.save('tools:1', inWorld('saved.tar'), { overwrite: true });
    await expect(images.save('none', inWorld('x.tar'))).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    await expect(images.save('tools:1', '/nowhere/x.tar')).rejects.toMatchObject({ code: 'HOST_FAILED' });
    expect(existsSync(inWorld('x.tar'))).toBe(false);
  });
});

const HOSTILE: readonly (readonly [string, (members: Member[]) => readonly Member[], RegExp])[] = [
  ['a name that climbs', (m) => [...m, { name: '../evil', content: Buffer.from('x') }], /not declared/],
  [
    'a climbing name in a place',
    (m) => m.map((one, at) => (at === 1 ? { ...one, name: '../image.json' } : one)),
    /where image.json/,
  ],
  [
    'an absolute name',
    (m) => [{ name: '/etc/evil', content: Buffer.from('x') }, ...m],
    /where manifest.json/,
  ],
  ['a symlink', (m) => m.map((one, at) => (at === 2 ? { ...one, type: 'symlink' } : one)), /no file/],
  ['a hard link', (m) => m.map((one, at) => (at === 1 ? { ...one, type: 'link' } : one)), /no file/],
  ['a folder', (m) => [...m, { name: 'more', type: 'directory', content: Buffer.alloc(0) }], /not declared/],
  ['a file that is not declared', (m) => [...m, { name: 'more', content: Buffer.from('x') }], /not declared/],
  ['a member twice', (m) => [...m, ...m.slice(2)], /not declared/],
  ['no manifest', (m) => m.slice(1), /where manifest.json/],
  ['no file system', (m) => m.slice(0, 2), /is missing/],
  ['no record', (m) => [...m.slice(0, 1), ...m.slice(2)], /where image.json/],
  ['nothing', () => [], /manifest.json is missing/],
  [
    'a longer file system',
    (m) => replaced(m, 'rootfs.ext4.gz', Buffer.concat([rootfsOf(m), Buffer.from('x')])),
    /bytes, not/,
  ],
  [
    'other bytes of the same size',
    (m) => replaced(m, 'rootfs.ext4.gz', otherByte(rootfsOf(m))),
    /sha256|incorrect|invalid/,
  ],
  ['a record that was changed', (m) => replaced(m, 'image.json', Buffer.from('{}')), /bytes, not/],
  ['a manifest that is no JSON', (m) => replaced(m, 'manifest.json', Buffer.from('{')), /no JSON/],
  [
    'a manifest of another schema',
    (m) => replaced(m, 'manifest.json', Buffer.from('{"schema":2}')),
    /schema/,
  ],
  ['a record that says too little', (m) => withContents(m, 'image.json', Buffer.from('{}')), /required/],
  [
    'a file system that is none',
    (m) => withContents(m, 'rootfs.ext4.gz', gzipSync('nothing')),
    /bytes, not|sha256/,
  ],
  [
    'one that grows',
    (m) => withContents(m, 'rootfs.ext4.gz', gzipSync(Buffer.alloc(200 * 1024 * 1024))),
    /more than it says/,
  ],
  ['no gzip', (m) => withContents(m, 'rootfs.ext4.gz', Buffer.from('x'.repeat(1_000))), /header/],
];

const rootfsOf = (members: readonly Member[]): Buffer => members[2]?.content ?? Buffer.alloc(0);

function otherByte(bytes: Buffer): Buffer {
  const other = Buffer.from(gunzipSync(bytes));
  other.writeUInt8(other.readUInt8(5_000) ^ 1, 5_000);
  const packed = gzipSync(other);
  return Buffer.concat([
    packed.subarray(0, bytes.length),
    Buffer.alloc(Math.max(0, bytes.length - packed.length)),
  ]);
}

describe('an archive that is not sound is refused before anything appears:', () => {
  test.each(HOSTILE)('%s', async (_what, change, message) => {
    const path = await changed(change);
    const before = traces();
    await expect(images.load(path, { name: 'evil' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(message) as string,
    });
    expect(traces()).toEqual(before);
    expect((await images.list()).flatMap(({ names }) => names)).toEqual(['tools:1']);
    expect(existsSync(join(world().home, 'evil'))).toBe(false);
  });

  test.each([0.01, 0.3, 0.9])('cut off after %f of it', async (part) => {
    const path = inWorld('saved.tar');
    truncateSync(path, Math.floor(statSync(path).size * part));
    await expect(images.load(path, { name: 'evil' })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    expect((await images.list()).flatMap(({ names }) => names)).toEqual(['tools:1']);
  });

  test('no archive, a folder, nothing', async () => {
    writeFileSync(inWorld('text'), 'text'.repeat(1_000));
    for (const path of [inWorld('text'), world().folder, inWorld('none')])
      await expect(images.load(path, { name: 'evil' })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });
});
