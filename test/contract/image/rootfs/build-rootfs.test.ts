import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { archiveLayer } from '../../../../src/image/rootfs/archive-layer.ts';
import {
  buildRootfs,
  type BuiltRootfs,
  type RootfsProgress,
} from '../../../../src/image/rootfs/build-rootfs.ts';
import { folderLayer } from '../../../../src/image/rootfs/folder-layer.ts';
import type { Layer } from '../../../../src/image/rootfs/layer.ts';
import { zstdStored } from '../../../support/fake-assets.ts';
import { buildFolder, fixture } from '../../../support/places.ts';
import { bytesLayer, debugfs, fsckProblems, paxEntry, rawArchive } from '../../../support/rootfs.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();
const image = (): string => join(folder(), 'rootfs.ext4');

function build(layers: readonly Layer[], sizeMib: number | null = null): Promise<BuiltRootfs> {
  return buildRootfs({ layers, sizeMib, path: image(), signal });
}

/** Names in a folder of the image. */
function namesIn(path: string): readonly string[] {
  const lines = debugfs(image(), `ls -p ${path}`).split('\n');
  return lines
    .map((line) => line.split('/')[5] ?? '')
    .filter((name) => !['', '.', '..', 'lost+found'].includes(name));
}

function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const file = (name: string, contents = name): { name: string; contents: string } => ({ name, contents });
const dir = (name: string, mode = '0000755'): { name: string; typeflag: string; mode: string } => ({
  name,
  typeflag: '5',
  mode,
});

describe('layers', { timeout: 120_000 }, () => {
  it('delete what is below them with whiteouts, and nothing of their own', async () => {
    const lower = rawArchive(
      dir('a/'),
      file('a/gone'),
      file('a/kept'),
      file('b/x/deep'),
      file('c/1'),
      file('gone'),
    );
    const upper = rawArchive(
      file('c/2'),
      { name: 'a/.wh.gone' },
      { name: 'b/.wh.x' },
      file('b/x/new'),
      { name: 'c/.wh..wh..opq' },
      file('c/3'),
      { name: '.wh.gone' },
      { name: '.wh.own' },
      file('own'),
      { name: 'a/.wh.none' },
      { name: 'none/.wh.x' },
      { name: '.wh..wh.plnk' },
    );
    await build([bytesLayer('lower', lower), bytesLayer('upper', upper)]);
    expect(namesIn('/')).toEqual(['a', 'b', 'c', 'own']);
    expect(['/a', '/b/x', '/c'].map(namesIn)).toEqual([['kept'], ['new'], ['2', '3']]);
    expect(fsckProblems(image())).toBe('');
  });

  it('write through symlinks of lower layers, and replace one kind by another', async () => {
    const lower = rawArchive(
      dir('usr/lib/'),
      { name: 'lib', typeflag: '2', linkName: 'usr/lib' },
      { name: 'abs', typeflag: '2', linkName: '/usr/new' },
      file('was-file'),
      file('was-folder/x'),
      { name: 'was-link', typeflag: '2', linkName: 'usr' },
    );
    const upper = rawArchive(
      file('lib/x.so'),
      file('abs/y'),
      file('was-file/', ''),
      file('was-folder'),
      dir('was-link/'),
      file('was-link/own'),
      { name: 'hard', typeflag: '1', linkName: 'lib/x.so' },
    );
    await build([bytesLayer('lower', lower), bytesLayer('upper', upper)]);
    expect(namesIn('/usr/lib')).toEqual(['x.so']);
    expect(namesIn('/usr/new')).toEqual(['y']);
    expect(namesIn('/was-link')).toEqual(['own']);
    expect(debugfs(image(), 'stat /was-file')).toMatch(/Type: directory/);
    expect(debugfs(image(), 'cat /was-folder')).toBe('was-folder');
    expect(debugfs(image(), 'stat /hard')).toMatch(/Links: 2/);
    expect(fsckProblems(image())).toBe('');
  });

  it('change the mode of a folder and keep what is in it', async () => {
    await build([
      bytesLayer('1', rawArchive(dir('d/'), file('d/x'))),
      bytesLayer('2', rawArchive(dir('d/', '0000700'), dir('./', '0000711'))),
    ]);
    expect(namesIn('/d')).toEqual(['x']);
    expect(debugfs(image(), 'stat /d')).toMatch(/Mode: +0700/);
    expect(debugfs(image(), 'stat /')).toMatch(/Mode: +0711/);
  });

  it('are read as other programs write them: tar-stream, and byte by byte', async () => {
    const packed = pack();
    packed.entry({ name: 'a'.repeat(90) + '/' + 'b'.repeat(90), mode: 0o4711, uid: 1, gid: 2 }, 'contents');
    packed.entry({ name: 'ü', type: 'symlink', linkname: 'x'.repeat(150) });
    packed.finalize();
    const bytes = Buffer.concat((await Readable.from(packed).toArray()) as Buffer[]);
    await build([bytesLayer('tar-stream', bytes, 1)]);
    expect(debugfs(image(), `cat /${'a'.repeat(90)}/${'b'.repeat(90)}`)).toBe('contents');
    expect(debugfs(image(), 'stat /ü')).toMatch(/Type: symlink[^]*Size: 150/);
  });

  it('may hold access lists, which are kept as the kernel has them', async () => {
    // Version 2: rwx for the owner, r-x for user 1000, the group and the mask, nothing for others.
    const list = Buffer.alloc(4 + 5 * 8);
    list.writeUInt32LE(2, 0);
    for (const [index, [tag, perm, id]] of [
      [1, 7, -1],
      [2, 5, 1000],
      [4, 5, -1],
      [16, 5, -1],
      [32, 0, -1],
    ].entries()) {
      list.writeUInt16LE(tag ?? 0, 4 + index * 8);
      list.writeUInt16LE(perm ?? 0, 6 + index * 8);
      list.writeInt32LE(id ?? 0, 8 + index * 8);
    }
    const records = {
      'SCHILY.xattr.system.posix_acl_access': list.toString('latin1'),
      'SCHILY.xattr.com.apple.x': 'y',
    };
    await build([bytesLayer('acl', rawArchive(paxEntry(records), file('a')))]);
    const found = debugfs(image(), 'ea_list /a');
    expect(found).toContain('system.posix_acl_access');
    expect(found).not.toContain('apple');
    expect(fsckProblems(image())).toBe('');
  });
});

describe('the size', { timeout: 120_000 }, () => {
  const contents = Buffer.alloc(20 * 2 ** 20, 'contents');

  it('that is too small is refused with the one that is needed, and that one works', async () => {
    const layers = [bytesLayer('20 MiB', rawArchive({ name: 'big', contents }))];
    const error = await errorOf(build(layers, 16));
    expect(error).toMatchObject({ code: 'IMAGE_INVALID', details: { sizeMib: 16 } });
    expect(readdirSync(folder())).toEqual([]);
    const { neededMib } = (error as { details: { neededMib: number } }).details;
    expect(neededMib).toBeGreaterThan(20);
    expect(neededMib).toBeLessThan(40);
    expect((error as { hint: string }).hint).toContain(`${neededMib} MiB`);
    expect(await build(layers, neededMib)).toMatchObject({
      sizeBytes: neededMib * 2 ** 20,
      contentBytes: contents.length,
    });
    expect(fsckProblems(image())).toBe('');
  });

  it('that is needed is enough where contents lie in many groups, around the journal', async () => {
    const large = Buffer.alloc(150 * 2 ** 20, 'of many groups');
    const layers = [
      bytesLayer('300 MiB', rawArchive({ name: '1', contents: large }, { name: '2', contents: large })),
    ];
    const error = await errorOf(build(layers, 300));
    const { neededMib } = (error as { details: { neededMib: number } }).details;
    await build(layers, neededMib);
    expect(fsckProblems(image())).toBe('');
    execFileSync('debugfs', ['-R', `dump /2 ${join(folder(), '2')}`, image()], { stdio: 'ignore' });
    expect(readFileSync(join(folder(), '2')).equals(large)).toBe(true);
  });

  it('that is needed counts inodes too', async () => {
    const names = Array.from({ length: 12_000 }, (_, index) => file(`d/${index}`, ''));
    const layers = [bytesLayer('12,000 files', rawArchive(...names))];
    const error = await errorOf(build(layers, 8));
    const { neededMib } = (error as { details: { neededMib: number } }).details;
    await build(layers, neededMib);
    expect(fsckProblems(image())).toBe('');
  });

  it.each([16, 100, 127, 128, 129, 131, 260, 1500])('of %i MiB gives a good file system', async (sizeMib) => {
    expect(await build([bytesLayer('small', rawArchive(file('a')))], sizeMib)).toMatchObject({
      sizeBytes: sizeMib * 2 ** 20,
    });
    expect(fsckProblems(image())).toBe('');
    expect(statSync(image())).toMatchObject({ size: sizeMib * 2 ** 20 });
    // Nothing but a few tables is written, whatever the size.
    expect(statSync(image()).blocks * 512).toBeLessThan(3 * 2 ** 20);
  });

  it('that is none gives room to work in', async () => {
    const { sizeBytes } = await build([]);
    expect(sizeBytes).toBeGreaterThanOrEqual(512 * 2 ** 20);
    expect(fsckProblems(image())).toBe('');
  });

  it.each([0, -1, 1.5, NaN, 2 ** 24])('%d is refused before anything is read', async (sizeMib) => {
    const layer: Layer = { name: 'unread', open: () => Promise.reject(new Error('it was opened')) };
    expect(await errorOf(build([layer], sizeMib))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a build', { timeout: 120_000 }, () => {
  it('gives the same bytes for the same layers', async () => {
    const layers = [bytesLayer('a', rawArchive(file('z'), file('a/b'), dir('tmp/', '0001777')))];
    const digest = async (): Promise<string> => {
      await build(layers, 64);
      return createHash('sha256').update(readFileSync(image())).digest('hex');
    };
    expect(await digest()).toBe(await digest());
  });

  it('tells how far it is', async () => {
    const told: RootfsProgress[] = [];
    const layers = [
      bytesLayer('a', rawArchive({ name: 'a', contents: Buffer.alloc(300_000, 'x') }, file('b'))),
    ];
    await buildRootfs({
      layers,
      sizeMib: null,
      path: image(),
      signal,
      onProgress: (progress) => void told.push(progress),
    });
    expect(told.filter(({ step }) => step === 'unpack').at(-1)).toEqual({ step: 'unpack', bytes: 300_001 });
    expect(told.at(-1)).toEqual({ step: 'format', bytes: 300_001 });
  });

  it('that fails leaves what was at its path', async () => {
    writeFileSync(image(), 'old');
    await errorOf(build([bytesLayer('bad', Buffer.alloc(512, 'x'))]));
    expect(readFileSync(image(), 'utf8')).toBe('old');
    expect(readdirSync(folder())).toEqual(['rootfs.ext4']);
  });

  it('fails with what its layer fails with', async () => {
    const reason = Object.assign(new Error('gone'), { code: 'ENOENT' });
    const layer: Layer = { name: 'lost', open: () => Promise.reject(reason) };
    expect(await errorOf(build([layer]))).toMatchObject({ code: 'HOST_FAILED', cause: reason });
    const broken: Layer = {
      name: 'broken',
      open: async () =>
        Readable.from([rawArchive(file('a')).subarray(0, 700)], { objectMode: false }).map(() => {
          throw new Error('the digest is wrong');
        }),
    };
    expect(await errorOf(build([broken]))).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('the digest is wrong') as unknown,
    });
    expect(readdirSync(folder())).toEqual([]);
  });

  it('ends when its signal aborts, wherever it is, and leaves nothing', async () => {
    for (const step of ['unpack', 'format'] as const) {
      const abort = new AbortController();
      const reason = new Error(`enough of ${step}`);
      const endless = Readable.from(
        (async function* () {
          yield rawArchive({ name: 'a', contents: Buffer.alloc(3_000_000, 'x') }).subarray(0, -1024);
          if (step === 'unpack') await new Promise(() => undefined);
          yield Buffer.alloc(1024);
        })(),
        { objectMode: false },
      );
      const request = {
        layers: [{ name: 'endless', open: async () => endless }],
        sizeMib: null,
        path: image(),
        signal: abort.signal,
        onProgress: (progress: RootfsProgress) => {
          if (progress.step === step) abort.abort(reason);
        },
      };
      expect(await errorOf(buildRootfs(request))).toBe(reason);
      expect(endless.destroyed).toBe(true);
      expect(readdirSync(folder())).toEqual([]);
    }
  });

  it('is not disturbed by others for the same path', async () => {
    const builds = Array.from({ length: 4 }, () => build([bytesLayer('a', rawArchive(file('a')))], 64));
    await Promise.all(builds);
    expect(readdirSync(folder())).toEqual(['rootfs.ext4']);
    expect(fsckProblems(image())).toBe('');
  });

  it('that was killed leaves a folder that the next one removes', async () => {
    const request = { build: buildFolder, path: image(), archives: [], hangs: true };
    const child = spawn(process.execPath, [fixture('rootfs-child.mjs'), JSON.stringify(request)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    const left = readdirSync(folder());
    expect(left).toEqual([expect.stringMatching(new RegExp(`^\\.rootfs-${child.pid}-`))]);
    await build([], 16);
    expect(readdirSync(folder()).sort()).toEqual([...left, 'rootfs.ext4']);
    child.kill('SIGKILL');
    await exited;
    await build([], 16);
    expect(readdirSync(folder())).toEqual(['rootfs.ext4']);
  });

  const tmpfs = (size: string, ...argv: readonly string[]): string => {
    const script = `mount -t tmpfs -o size=${size} none "$1" && shift && exec "$@"`;
    return execFileSync('unshare', ['-Urm', 'sh', '-c', script, 'sh', folder(), ...argv], {
      encoding: 'utf8',
    });
  };
  const problem = ((): string | undefined => {
    try {
      execFileSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'pipe' });
      return undefined;
    } catch (error) {
      return String(error);
    }
  })();
  if (problem !== undefined) console.warn(`skipped: images on a full disk (${problem})`);

  it.skipIf(problem !== undefined).each([
    ['90m', 'NO_SPACE'],
    ['160m', 'NO_SPACE'],
    ['400m', 'ok'],
  ])('on a disk of %s gives: %s, and leaves nothing else', (size, expected) => {
    const archives = mkdtempSync(join(folder(), '..', 'smolvm-test-archive-'));
    const archive = join(archives, 'a.tar.gz');
    const contents = Buffer.alloc(70 * 2 ** 20, 'x');
    writeFileSync(archive, gzipSync(rawArchive({ name: 'a', contents }), { level: 1 }));
    const request = { build: buildFolder, path: image(), archives: [archive] };
    const program = `
      import { readdirSync } from 'node:fs';
      await import(process.argv[1]);
      console.log(JSON.stringify(readdirSync(process.argv[3])));`;
    const argv = [
      process.execPath,
      '--input-type=module',
      '-e',
      program,
      fixture('rootfs-child.mjs'),
      JSON.stringify(request),
      folder(),
    ];
    const [answer, names] = tmpfs(size, ...argv)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    if (expected === 'ok') expect(answer).toHaveProperty('value');
    else expect(answer).toHaveProperty('error.code', expected);
    expect(names).toEqual(expected === 'ok' ? ['rootfs.ext4'] : []);
    execFileSync('rm', ['-r', archives]);
  });
});

describe('an archive of the host', { timeout: 120_000 }, () => {
  const plain = rawArchive(file('a', 'found'), { name: 'big', contents: Buffer.alloc(300_000, 'pattern.') });

  it.each([
    ['plain', plain],
    ['gzip', gzipSync(plain)],
    [
      'gzip in two members',
      Buffer.concat([gzipSync(plain.subarray(0, 1000)), gzipSync(plain.subarray(1000))]),
    ],
    ['zstd stored', zstdStored(plain)],
    ['zstd', execFileSync('zstd', ['-q', '-c', '--check'], { input: plain })],
    [
      'zstd in two frames',
      Buffer.concat(
        [1000, 0].map((cut, index) =>
          execFileSync('zstd', ['-qc'], {
            input: index === 0 ? plain.subarray(0, cut) : plain.subarray(1000),
          }),
        ),
      ),
    ],
  ])('is unpacked whatever it is packed with: %s', async (_what, bytes) => {
    const path = join(folder(), 'archive');
    writeFileSync(path, bytes);
    await build([archiveLayer(path)]);
    expect(debugfs(image(), 'cat /a')).toBe('found');
    expect(debugfs(image(), 'cat /big')).toBe('pattern.'.repeat(37_500));
  });

  it.each([
    ['a cut gzip', gzipSync(plain).subarray(0, -20), /unexpected end/],
    ['a changed gzip', gzipSync(plain).fill(0x55, 100, 200), /./],
    [
      'a cut zstd',
      execFileSync('zstd', ['-qc'], { input: plain }).subarray(0, -9),
      /zstd data end too early/,
    ],
    [
      'a zstd that asks for 2 GiB',
      Buffer.concat([Buffer.from('28b52ffd00a8', 'hex'), Buffer.alloc(100)]),
      /bytes of memory/,
    ],
    ['bzip2', Buffer.from('BZh91AY&SY, and so on'), /does not know/],
  ])('is refused if it is %s', async (_what, bytes, reason) => {
    const path = join(folder(), 'archive');
    writeFileSync(path, bytes);
    expect(await errorOf(build([archiveLayer(path)]))).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(reason) as unknown,
    });
    expect(readdirSync(folder())).toEqual(['archive']);
  });

  it('that is missing or a folder is named in the error', async () => {
    expect(await errorOf(build([archiveLayer(join(folder(), 'none'))]))).toMatchObject({
      message: expect.stringContaining('/none') as unknown,
    });
    expect(await errorOf(build([archiveLayer(folder())]))).toMatchObject({ code: 'IMAGE_INVALID' });
  });
});

describe('a folder of the host', () => {
  it('is packed with its modes, times and links, symlinks unfollowed', async () => {
    const source = join(folder(), 'source');
    mkdirSync(join(source, 'd'.repeat(120)), { recursive: true });
    writeFileSync(join(source, 'script'), '#!/bin/sh\n', { mode: 0o750 });
    linkSync(join(source, 'script'), join(source, 'd'.repeat(120), 'same'));
    symlinkSync('/etc/passwd', join(source, 'link'));
    writeFileSync(Buffer.concat([Buffer.from(`${source}/not-utf8-`), Buffer.from([0xff])]), 'bytes');
    execFileSync('touch', ['-d', '@-1.5', join(source, 'script')]);
    execFileSync('mkfifo', [join(source, 'fifo')]);
    await build([folderLayer(source)]);
    expect(fsckProblems(image())).toBe('');
    const script = debugfs(image(), 'stat /script');
    expect(script).toMatch(/Mode: +0750/);
    expect(script).toMatch(/Links: 2/);
    expect(script).toMatch(/ mtime: 0xfffffffe:77359400/);
    expect(debugfs(image(), `cat /${'d'.repeat(120)}/same`)).toBe('#!/bin/sh\n');
    expect(debugfs(image(), 'stat /link')).toContain('Fast link dest: "/etc/passwd"');
    expect(debugfs(image(), 'stat /fifo')).toContain('Type: FIFO');
    expect(debugfs(image(), 'ls /')).toContain('not-utf8-');
  });

  it('that is missing or no folder is named in the error', async () => {
    expect(await errorOf(build([folderLayer(join(folder(), 'none'))]))).toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringContaining('/none') as unknown,
    });
    writeFileSync(join(folder(), 'file'), '');
    expect(await errorOf(build([folderLayer(join(folder(), 'file'))]))).toMatchObject({
      code: 'IMAGE_INVALID',
    });
  });
});
