import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildRootfs, type RootfsLimits } from '../../../../src/image/rootfs/build-rootfs.ts';
import {
  bytesLayer,
  debugfs,
  fsckProblems,
  paxEntry,
  rawArchive,
  rawEntry,
} from '../../../support/rootfs.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();
const images = (): string => join(folder(), 'images');
const path = (): string => join(images(), 'rootfs.ext4');

/** Files beside and above the place of the image, where an archive that breaks out would write. */
beforeEach(() => {
  mkdirSync(images());
  for (const canary of ['canary', 'images/canary']) writeFileSync(join(folder(), canary), 'untouched');
});

async function refusal(bytes: Buffer, limits: Partial<RootfsLimits> = {}): Promise<unknown> {
  const layers = [
    bytesLayer('good', rawArchive({ name: 'fine', contents: 'fine' })),
    bytesLayer('evil', bytes),
  ];
  return buildRootfs({ layers, sizeMib: null, path: path(), signal, limits }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

function expectNothingHappened(): void {
  expect(readdirSync(folder()).sort()).toEqual(['canary', 'images']);
  expect(readdirSync(images())).toEqual(['canary']);
  for (const canary of ['canary', 'images/canary'])
    expect(readFileSync(join(folder(), canary), 'utf8')).toBe('untouched');
}

const evil = { name: 'canary', contents: 'EVIL' };
const good = rawArchive({ name: 'a', contents: 'contents' });
const long = (bytes: number): string => 'n'.repeat(bytes);

const corpus: readonly (readonly [what: string, bytes: Buffer, reason: RegExp])[] = [
  ['a name with ..', rawArchive({ ...evil, name: '../canary' }), /holds '\.\.'/],
  [
    'a name with .. in the middle',
    rawArchive({ ...evil, name: 'a/../../canary' }),
    /'a\/\.\.\/\.\.\/canary'.*'\.\.'/,
  ],
  ['a name with .. at the end', rawArchive({ ...evil, name: 'a/..' }), /'\.\.'/],
  ['an absolute name', rawArchive({ ...evil, name: '/canary' }), /absolute/],
  ['an absolute name in an extended header', rawArchive(paxEntry({ path: '//canary' }), evil), /absolute/],
  ['a NUL in a name', rawArchive(paxEntry({ path: 'can\0ary' }), evil), /can\\x00ary.*NUL/],
  ['an empty name', rawArchive({ name: '' }), /empty/],
  ['a name of 256 bytes', rawArchive(paxEntry({ path: long(256) }), evil), /256 bytes/],
  ['a path of 4096 bytes', rawArchive(paxEntry({ path: 'a/'.repeat(2048) }), evil), /4096 bytes/],
  ['a terminal in a name', rawArchive({ name: '\x1b[2J/../x' }), /\\x1b\[2J/],
  [
    'a hard link to what is not there',
    rawArchive({ name: 'a', typeflag: '1', linkName: 'none' }),
    /hard link/,
  ],
  ['a hard link out', rawArchive({ name: 'a', typeflag: '1', linkName: '../canary' }), /target holds '\.\.'/],
  [
    'a hard link of the host',
    rawArchive({ name: 'a', typeflag: '1', linkName: '/etc/passwd' }),
    /hard link to what is not there/,
  ],
  [
    'a hard link to a folder',
    rawArchive({ name: 'f/', typeflag: '5' }, { name: 'a', typeflag: '1', linkName: 'f' }),
    /folder/,
  ],
  ['a symlink to nothing', rawArchive({ name: 'a', typeflag: '2' }), /target is empty/],
  [
    'a symlink of 4096 bytes',
    rawArchive(paxEntry({ linkpath: long(4096) }), { name: 'a', typeflag: '2' }),
    /target has 4096 bytes/,
  ],
  [
    'a loop of symlinks',
    rawArchive({ name: 'a', typeflag: '2', linkName: 'a' }, { name: 'a/b' }),
    /too many symlinks/,
  ],
  ['a file as a folder', rawArchive({ name: 'a' }, { name: 'a/b' }), /'a\/b'.*no folder/],
  ['a file as the root', rawArchive({ name: '.' }), /root/],
  ['a whiteout of nothing', rawArchive({ name: 'a/.wh.' }), /whiteout/],
  ['a whiteout of ..', rawArchive({ name: 'a/.wh...' }), /whiteout/],
  ['a wrong checksum', rawArchive({ name: 'a', checksum: '0001234\0' }), /checksum/],
  ['bytes that are no archive', Buffer.alloc(10_240, 'no archive'), /checksum|no number/],
  ['nothing at all', Buffer.alloc(0), /ends too early/],
  ['no end', rawEntry({ name: 'a' }), /ends too early/],
  [
    'a missing end of contents',
    rawEntry({ name: 'a', contents: long(5000) }).subarray(0, 4000),
    /ends too early/,
  ],
  ['a part of a header', Buffer.concat([rawEntry({ name: 'a' }), Buffer.alloc(100)]), /ends too early/],
  ['a size beyond everything', rawArchive({ name: 'a', size: '77777777777' }), /ends too early/],
  [
    'a size of 2 EiB',
    rawArchive({ name: 'a', size: '\x80\0\0\0\x1f\xff\xff\xff\xff\xff\xff\xff' }),
    /size is too large/,
  ],
  [
    'a size below 0',
    rawArchive({ name: 'a', size: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' }),
    /size is -1/,
  ],
  ['a size that is no number', rawArchive({ name: 'a', size: '12345678x' }), /no number/],
  ['a size below 0 in an extended header', rawArchive(paxEntry({ size: '-1' }), evil), /size is NaN/],
  [
    'an owner that nobody can be',
    rawArchive(paxEntry({ uid: '4294967295' }), evil),
    /owner or group is 4294967295/,
  ],
  [
    'an extended header that lies',
    rawArchive({ name: 'p', typeflag: 'x', contents: '99 path=a\n' }),
    /damaged/,
  ],
  [
    'an extended header of no records',
    rawArchive({ name: 'p', typeflag: 'x', contents: long(600) }),
    /damaged/,
  ],
  [
    'an extended header of 2 MiB',
    rawArchive({ name: 'p', typeflag: 'x', contents: long(2 ** 21) }),
    /2097152 bytes/,
  ],
  [
    'a long name of 2 MiB',
    rawArchive({ name: 'p', typeflag: 'L', contents: long(2 ** 21) }),
    /2097152 bytes/,
  ],
  [
    'an extended header and then the end',
    rawArchive(paxEntry({ path: 'a' })),
    /ends after an extended header/,
  ],
  ['a sparse entry', rawArchive({ name: 'a', typeflag: 'S' }), /sparse/],
  ['a sparse entry of POSIX', rawArchive(paxEntry({ 'GNU.sparse.major': '1' }), evil), /sparse/],
  ['an unknown type', rawArchive({ name: 'a', typeflag: 'Z' }), /type "Z"/],
  [
    'a device that cannot be',
    rawArchive({ name: 'a', typeflag: '3', device: ['0010000', '0000000'] }),
    /device 4096:0/,
  ],
  [
    'extended attributes that ext4 cannot hold',
    rawArchive(paxEntry({ 'SCHILY.xattr.user.a': long(5000) }), evil),
    /extended attributes/,
  ],
  [
    'an access list that is none',
    rawArchive(paxEntry({ 'SCHILY.xattr.system.posix_acl_access': 'x' }), evil),
    /access list/,
  ],
];

describe('a hostile archive', { timeout: 120_000 }, () => {
  it.each(corpus)('with %s is refused, and nothing is written', async (_what, bytes, reason) => {
    const error = await refusal(bytes);
    expect(error).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringMatching(reason) as unknown });
    expect(error).toHaveProperty('message', expect.stringMatching(/^evil cannot be unpacked/));
    expectNothingHappened();
  });

  it.each([
    ['entries', { maxEntries: 3 }, /more than 3 entries/],
    ['bytes of names', { maxNameBytes: 7 }, /more than 7 bytes/],
    ['bytes of files', { maxContentBytes: 20 }, /more than 20 bytes/],
  ])('with more %s than allowed is refused', async (_what, limits, reason) => {
    const bytes = rawArchive({ name: 'a/b/c/d', contents: 'more than twenty bytes' });
    expect(await refusal(bytes, limits)).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(reason) as unknown,
    });
    expectNothingHappened();
  });

  it('with folders that grow ever deeper through symlinks is refused', async () => {
    // Each entry begins where a symlink to the deepest folder so far leads.
    const steps = [0, 1].flatMap((step) => [
      paxEntry({ path: `${step === 0 ? '' : 's0/'}${'d/'.repeat(1900)}f` }),
      rawEntry({ name: 'x' }),
      paxEntry({ path: `s${step}`, linkpath: 'd/'.repeat(1900) }),
      rawEntry({ name: 'x', typeflag: '2' }),
    ]);
    expect(await refusal(rawArchive(...steps))).toMatchObject({
      message: expect.stringMatching(/too deep/) as unknown,
    });
    expectNothingHappened();
  });

  it('cut at any byte is refused, or was whole already', async () => {
    for (let end = 0; end < good.length - 512; end += 100)
      expect(await refusal(good.subarray(0, end))).toMatchObject({ code: 'IMAGE_INVALID' });
    expectNothingHappened();
  });

  it('with symlinks out of the image writes where they lead in the image', async () => {
    const bytes = rawArchive(
      { name: 'up', typeflag: '2', linkName: '../../../..' },
      { name: 'etc', typeflag: '2', linkName: folder() },
      { name: 'up/canary', contents: 'EVIL' },
      { name: 'etc/canary', contents: 'EVIL' },
    );
    await buildRootfs({ layers: [bytesLayer('evil', bytes)], sizeMib: null, path: path(), signal });
    expect(readFileSync(join(folder(), 'canary'), 'utf8')).toBe('untouched');
    expect(fsckProblems(path())).toBe('');
    expect(debugfs(path(), 'cat /canary')).toBe('EVIL');
    expect(debugfs(path(), `cat ${folder()}/canary`)).toBe('EVIL');
  });

  it('cannot make a device or a setuid program on the host', async () => {
    const bytes = rawArchive(
      { name: 'disk', typeflag: '4', mode: '0006777', device: ['0000010', '0000000'] },
      { name: 'su', mode: '0004755', contents: 'su' },
    );
    await buildRootfs({ layers: [bytesLayer('evil', bytes)], sizeMib: null, path: path(), signal });
    expect(debugfs(path(), 'stat /disk')).toMatch(
      /Type: block special +Mode: +06777[^]*Device major\/minor number: 08:00/,
    );
    expect(debugfs(path(), 'stat /su')).toMatch(/Mode: +04755/);
    expect(readdirSync(images()).sort()).toEqual(['canary', 'rootfs.ext4']);
    expect(statSync(path()).mode & 0o7777).toBe(0o600);
  });
});
