import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

/** An empty folder of one test. */
function emptyFolder(): string {
  return mkdtempSync(join(host.scratch, 'test-'));
}

describe('files of a VM', () => {
  test('are written whole, read, appended to, described, listed, renamed and removed', async () => {
    await using vm = await SmolVM.launch();
    const { files } = vm;
    const odd = '/srv/a folder/it\'s "odd"\n✓';
    await files.write(odd, 'one\n', { mode: 0o640 });
    await files.append(odd, 'two\n');
    expect(await files.readText(odd)).toBe('one\ntwo\n');
    expect(await files.readText(odd, { offset: 4, length: 3 })).toBe('two');
    expect(await files.stat(odd)).toMatchObject({
      type: 'file',
      mode: 0o640,
      sizeBytes: 8,
      uid: 0,
      linkTarget: null,
    });
    await vm.run(['ln', '-s', odd, '/srv/link']);
    expect(await files.lstat('/srv/link')).toMatchObject({ type: 'symlink', linkTarget: odd });
    expect((await files.list('/srv')).map(({ name, type }) => [name, type])).toEqual([
      ['a folder', 'directory'],
      ['link', 'symlink'],
    ]);
    await files.rename(odd, '/srv/plain');
    expect(await files.exists('/srv/link')).toBe(false);
    await files.write('/srv/plain', 'new');
    expect(await files.stat('/srv/plain')).toMatchObject({ mode: 0o640, sizeBytes: 3 });
    await expect(files.write('/srv/plain', 'x', { exclusive: true })).rejects.toMatchObject({
      details: { errno: 'EEXIST' },
    });
    await files.mkdir('/srv/deep/er', { mode: 0o700 });
    await expect(files.remove('/srv/deep')).rejects.toMatchObject({
      code: 'GUEST_FILE_FAILED',
      details: { errno: 'ENOTEMPTY' },
    });
    await files.remove('/srv/deep', { recursive: true });
    await files.remove('/srv/deep', { force: true });
    await files.chmod('/srv/plain', 0o600);
    expect(await files.stat('/srv/plain')).toMatchObject({ mode: 0o600 });
    const refused = await files.read('/srv/none').catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'GUEST_FILE_FAILED',
      details: { errno: 'ENOENT', path: '/srv/none' },
    });
  });

  test('of any bytes go in and out unchanged, also as streams, and those of others are refused', async () => {
    await using vm = await SmolVM.launch();
    const bytes = randomBytes(1_000_000);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
    }
    await vm.files.write('/srv/random', pieces());
    expect(Buffer.compare(await vm.files.read('/srv/random'), bytes)).toBe(0);
    expect(Buffer.compare(await buffer(vm.files.readStream('/srv/random')), bytes)).toBe(0);
    await expect(vm.files.read('/srv/random', { maxBytes: 10 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await vm.files.chmod('/srv/random', 0o600);
    await expect(vm.files.read('/srv/random', { user: '1000' })).rejects.toMatchObject({
      details: { errno: 'EACCES' },
    });
    expect(await vm.files.readText('/proc/sys/kernel/ostype')).toBe('Linux\n');
    const failing = vm.files.write('/srv/random', failAfter(bytes));
    await expect(failing).rejects.toThrow('the source is gone');
    expect((await vm.files.stat('/srv/random')).sizeBytes).toBe(1_000_000);
    expect((await vm.files.list('/srv')).map(({ name }) => name)).toEqual(['random']);
  });

  test('are copied: 4096 random bytes up and down are identical, with names, modes and missing folders', async () => {
    await using vm = await SmolVM.launch();
    const folder = emptyFolder();
    const [local, back] = [join(folder, 'a file.bin'), join(folder, 'back')];
    writeFileSync(local, randomBytes(4096), { mode: 0o751 });
    chmodSync(local, 0o751);
    expect(await vm.uploadFile(local, '/srv/new/folder/')).toBe('/srv/new/folder/a file.bin');
    expect(await vm.uploadFile(local, '/srv/other')).toBe('/srv/other');
    expect(await vm.downloadFile('/srv/new/folder/a file.bin', `${back}/`)).toBe(join(back, 'a file.bin'));
    expect(readFileSync(join(back, 'a file.bin'))).toEqual(readFileSync(local));
    expect(statSync(join(back, 'a file.bin')).mode & 0o7777).toBe(0o751);
    await vm.run(['ln', '-s', '/srv/other', '/srv/link']);
    expect(await vm.downloadFile('/srv/link', back)).toBe(join(back, 'link'));
    expect(lstatSync(join(back, 'link')).isFile()).toBe(true);
    const odd = `/srv/it's "odd" $HOME`;
    expect(await vm.uploadFile(local, odd)).toBe(odd);
    expect(await vm.downloadFile(odd, back)).toBe(join(back, `it's "odd" $HOME`));
    expect(readFileSync(join(back, `it's "odd" $HOME`))).toEqual(readFileSync(local));
  });

  test.each<[string, (vm: SmolVM, folder: string) => Promise<unknown>]>([
    ['a relative guest path', (vm) => vm.uploadFile('/etc/hostname', 'relative')],
    ['a folder for a file', (vm) => vm.uploadFile('/etc', '/srv/x')],
    ['a local file that is not there', (vm) => vm.uploadFile('/no/such/file', '/srv/x')],
    ['a relative guest path to copy from', (vm, folder) => vm.downloadFile('hostname', join(folder, 'x'))],
    ['a guest folder for a file', (vm, folder) => vm.downloadFile('/etc', join(folder, 'x'))],
  ])('that are wrong are refused and leave nothing: %s', async (_what, copy) => {
    await using vm = await SmolVM.launch({ vcpuCount: 1 });
    const folder = emptyFolder();
    await expect(copy(vm, folder)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await vm.files.exists('/srv/x')).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('need their folders where making them is switched off', async () => {
    await using vm = await SmolVM.launch({ vcpuCount: 1 });
    const [makeDirs, folder] = [false, emptyFolder()];
    await expect(vm.uploadFile('/etc/hostname', '/no/such/file', { makeDirs })).rejects.toMatchObject({
      details: { errno: 'ENOENT' },
    });
    await expect(vm.downloadFile('/etc/hostname', join(folder, 'no/file'), { makeDirs })).rejects.toThrow(
      /no such file/,
    );
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  test('of a whole folder go both ways, with links, holes, empty folders and odd names, and merge', async () => {
    await using vm = await SmolVM.launch();
    const folder = emptyFolder();
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'empty'), { recursive: true });
    mkdirSync(join(tree, 'sub/closed'), { recursive: true });
    symlinkSync('../../../etc/passwd', join(tree, 'sub/link'));
    writeFileSync(join(tree, 'sub/closed/x'), 'x');
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x66, 0xff, 0x0a])]), 'not UTF-8');
    writeFileSync(join(tree, 'holes'), 'begin');
    truncateSync(join(tree, 'holes'), 200 * 1024 * 1024);
    chmodSync(join(tree, 'sub/closed'), 0o555);
    await vm.uploadFolder(tree, '/srv/tree');
    const back = join(folder, 'back');
    await vm.downloadFolder('/srv/tree', back);
    const same = spawnSync('diff', ['-r', '--no-dereference', tree, back], { encoding: 'utf8' });
    expect(`${same.stdout}${same.stderr}`).toBe('');
    expect(statSync(join(back, 'holes')).blocks * 512).toBeLessThan(1024 * 1024);
    expect(statSync(join(back, 'sub/closed')).mode & 0o7777).toBe(0o555);
    await vm.files.write('/srv/tree/sub/more', 'more');
    await vm.downloadFolder('/srv/tree', back);
    expect(readFileSync(join(back, 'sub/more'), 'utf8')).toBe('more');
    await vm.run(['rm', '-r', '/srv/tree/empty']);
    await vm.files.write('/srv/tree/empty', 'a file where a folder is');
    await expect(vm.downloadFolder('/srv/tree', back)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(readdirSync(folder).toSorted()).toEqual(['back', 'tree']);
  });
});

describe('environment variables', () => {
  test('are set, merged, replaced and removed for login shells, with any value, and stay over a restart', async () => {
    await using vm = await SmolVM.create({ vmId: 'env', vcpuCount: 1 });
    await vm.start();
    const odd = `it's "$HOME" \`x\`\n\\ grüße ${'x'.repeat(100 * 1024)}`;
    expect(await vm.listEnvVars()).toEqual({});
    expect(await vm.setEnvVars({})).toEqual([]);
    expect(await vm.setEnvVars({ ODD: odd, EMPTY: '' })).toEqual(['EMPTY', 'ODD']);
    expect((await vm.run('printf %s "$ODD"')).stdout).toBe(odd);
    expect(await vm.setEnvVars({ MORE: '1' })).toEqual(['EMPTY', 'MORE', 'ODD']);
    await vm.stop();
    await vm.start();
    expect(await vm.listEnvVars()).toEqual({ EMPTY: '', MORE: '1', ODD: odd });
    expect(await vm.unsetEnvVars(['ODD', 'UNKNOWN'])).toEqual({ ODD: odd });
    expect((await vm.run('echo "[${ODD-unset}]"')).stdout).toBe('[unset]\n');
    expect(await vm.setEnvVars({ ONLY: '2' }, { merge: false })).toEqual(['ONLY']);
    await expect(vm.setEnvVars({ '1A': 'secret' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await vm.run('echo $ONLY', { env: { ONLY: 'from run' } })).stdout).toBe('2\n');
    expect((await vm.run(['sh', '-c', 'echo $ONLY'], { env: { ONLY: 'from run' } })).stdout).toBe(
      'from run\n',
    );
    const script = '/etc/profile.d/smolvm_env.sh';
    expect(await vm.files.stat(script)).toMatchObject({ mode: 0o600 });
    // What changes nothing writes nothing: the file is the same one.
    const inode = (await vm.run(['stat', '-c', '%i', script])).stdout;
    await vm.setEnvVars({ ONLY: '2' });
    await vm.unsetEnvVars(['UNKNOWN']);
    expect((await vm.run(['stat', '-c', '%i', script])).stdout).toBe(inode);
    await vm.setEnvVars({ ONLY: '3' });
    expect((await vm.run(['stat', '-c', '%i', script])).stdout).not.toBe(inode);
  });
});

async function* failAfter(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 100);
  await Promise.resolve();
  throw new Error('the source is gone');
}
