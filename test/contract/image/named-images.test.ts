import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { images, SmolVM, type ImageProgress } from '../../../src/index.ts';
import { cli } from '../../support/cli.ts';
import { makeImage, makeTar } from '../../support/oci-image.ts';
import { RegistryProcess } from '../../support/registry-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const folder = temporaryFolder();
let registry: RegistryProcess;
const CONFIG = { Env: ['PATH=/bin', 'GREETING=hello'], WorkingDir: '/srv', User: '7:8', Cmd: ['sh'] };

beforeAll(async () => {
  registry = await RegistryProcess.start(join(folder.path, 'registry'));
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  folder.remove();
});

/** Pushes an image with these files; returns its name. */
async function pushed(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  return registry.push(await makeImage({ layers: [files], config: CONFIG }), name, 'latest');
}

const store = (...path: string[]): string => join(world().home, 'images', ...path);
const entryFolder = (key: string): string => store('rootfs', key);

/** Collects what is told. */
function watch() {
  const steps: ImageProgress[] = [];
  return { steps, onProgress: (step: ImageProgress) => void steps.push(step) };
}

/** An archive of a root file system, and an image of it. */
async function imported(name: string, content = 'x'): Promise<string> {
  const path = join(world().folder, `${name}.tar`);
  writeFileSync(path, await makeTar({ 'etc/what': content }));
  await images.import({ path }, name);
  return (await images.inspect(name)).key;
}

describe('pulling', () => {
  test('makes an image that is ready to boot, with what its configuration says', async () => {
    const name = await pushed('ready', { 'etc/motd': 'welcome\n' });
    const { steps, onProgress } = watch();
    const image = await images.pull(name, { onProgress });
    expect(image).toMatchObject({
      name,
      bootMode: 'agent',
      config: { workdir: '/srv', user: '7:8', cmd: ['sh'] },
    });
    expect(image.config?.env).toEqual({ PATH: '/bin', GREETING: 'hello' });
    expect(statSync(image.rootfsPath).mode & 0o777).toBe(0o444);
    expect(new Set(steps.map(({ step }) => step))).toEqual(new Set(['download', 'unpack', 'format']));
    const found = await images.inspect(name);
    expect(found).toMatchObject({
      state: 'ready',
      names: [name],
      usedBy: [],
      source: { kind: 'registry', origin: name },
    });
  });

  test('leaves an image alone that has not changed, and makes a new one when its tag was moved', async () => {
    const name = await pushed('moving', { a: '1' });
    const first = await images.pull(name);
    const { steps, onProgress } = watch();
    expect((await images.pull(name, { onProgress })).rootfsPath).toBe(first.rootfsPath);
    expect(steps).toEqual([]);
    await pushed('moving', { a: '2' });
    const second = await images.pull(name);
    expect(second.rootfsPath).not.toBe(first.rootfsPath);
    expect((await images.list()).map(({ names }) => names)).toEqual([[name], []]);
  });

  test.each([
    ['cut off', (path: string) => truncateSync(join(path, 'rootfs.ext4'), 4096)],
    ['without its record', (path: string) => rmSync(join(path, 'image.json'))],
    ['with a record that is none', (path: string) => writeFileSync(join(path, 'image.json'), '{')],
    ['no file system any more', (path: string) => wipe(join(path, 'rootfs.ext4'))],
  ])('an image that is %s is never used: it is made again, which is said', async (_what, damage) => {
    const name = await pushed('broken', { b: '1' });
    const { rootfsPath } = await images.pull(name);
    const { key } = await images.inspect(name);
    damage(entryFolder(key));
    expect(await images.list()).toMatchObject([{ state: 'damaged', key, names: [name] }]);
    await expect(images.resolve(name, { pull: 'never' })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    const { steps, onProgress } = watch();
    expect((await images.resolve(name, { onProgress })).rootfsPath).toBe(rootfsPath);
    expect(steps.map(({ step }) => step)).toContain('damaged');
    expect(await images.inspect(name)).toMatchObject({ state: 'ready', key });
  });

  test('in two processes at once makes it once', async () => {
    const name = await pushed('twice', { big: 'x'.repeat(300_000) });
    const both = await Promise.all([cli(['image', 'pull', name]), cli(['image', 'pull', name])]);
    expect(both.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
      [0, `${name}\n`],
      [0, `${name}\n`],
    ]);
    expect(await images.list()).toHaveLength(1);
  });

  test('that is given up leaves nothing half made', async () => {
    const name = await pushed('given-up', { c: 'x'.repeat(100_000) });
    const controller = new AbortController();
    const onProgress = (progress: ImageProgress): void => {
      if (progress.step === 'unpack') controller.abort();
    };
    await expect(images.pull(name, { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(await images.list()).toEqual([]);
    expect(readdirSync(store('rootfs'))).toEqual([]);
  });
});

function wipe(path: string): void {
  const bytes = statSync(path).size;
  rmSync(path);
  writeFileSync(path, '');
  truncateSync(path, bytes);
}

describe('a name', () => {
  test('is looked for here first; policies say otherwise', async () => {
    const name = await pushed('policy', { d: '1' });
    await expect(images.resolve(name, { pull: 'never' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      hint: expect.stringContaining('smolvm image pull') as string,
    });
    const first = await images.resolve(name);
    await pushed('policy', { d: '2' });
    expect((await images.resolve(name)).rootfsPath).toBe(first.rootfsPath);
    expect((await images.resolve(name, { pull: 'always' })).rootfsPath).not.toBe(first.rootfsPath);
  });

  test("of one's own is never pulled from elsewhere", async () => {
    const key = await imported('tools');
    await expect(images.resolve('tools', { pull: 'always' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    });
    rmSync(join(entryFolder(key), 'image.json'));
    await expect(images.resolve('tools')).rejects.toThrow(/cannot be used/);
  });

  test('makes a VM, which is told what the image says', async () => {
    const name = await pushed('vm', { e: '1' });
    await using vm = await SmolVM.create({ vmId: 'from-name', image: name, vcpuCount: 1 });
    expect(vm.info).toMatchObject({ rootfsPath: (await images.inspect(name)).rootfsPath, bootMode: 'agent' });
    await expect(SmolVM.create({ image: name, rootfsPath: '/x' })).rejects.toThrow(/mutually exclusive/);
    await expect(SmolVM.create({ pull: 'never' })).rejects.toThrow(/needs the name of an image/);
    const { rootfsPath } = await images.inspect(name);
    await expect(SmolVM.create({ rootfsPath, diskMode: 'shared' })).rejects.toThrow(/never written/);
  });
});

describe('importing', () => {
  test('an archive and a folder, each under a name that can be given to another later', async () => {
    const path = join(world().folder, 'tree');
    mkdirSync(join(path, 'etc'), { recursive: true });
    writeFileSync(join(path, 'etc', 'what'), 'a folder');
    const fromFolder = await images.import({ folder: path }, 'own:1');
    expect(fromFolder).toMatchObject({ name: 'own:1', config: { cmd: [], user: '' } });
    const key = await imported('own:1');
    expect(await images.inspect('own:1')).toMatchObject({ key, source: { kind: 'archive' } });
    expect(await images.list()).toMatchObject([{ names: ['own:1'] }, { names: [] }]);
  });

  test.each([
    [{ path: '/nowhere' }, 'x', 'INVALID_ARGUMENT'],
    [{ folder: '/nowhere' }, 'x', 'INVALID_ARGUMENT'],
    [{ path: '/etc/hostname' }, 'x', 'IMAGE_INVALID'],
    [{ path: '/etc/hostname' }, 'Not a Name', 'INVALID_ARGUMENT'],
    [{ path: '/etc/hostname' }, `x@sha256:${'0'.repeat(64)}`, 'INVALID_ARGUMENT'],
    [{ path: '/x', folder: '/y' }, 'x', 'INVALID_ARGUMENT'],
    [{}, 'x', 'INVALID_ARGUMENT'],
  ])('%j as %s is refused: %s', async (source, name, code) => {
    await expect(images.import(source as { path: string }, name)).rejects.toMatchObject({ code });
    expect(await images.list()).toEqual([]);
  });
});

describe('removing', () => {
  test('the last name removes the image; a name that is left keeps it', async () => {
    const key = await imported('one');
    await imported('two');
    expect((await images.inspect('two')).key).toBe(key);
    expect(await images.remove('one')).toMatchObject({ name: 'one:latest', filesRemoved: false });
    expect(await images.remove('two')).toMatchObject({ filesRemoved: true });
    expect(existsSync(entryFolder(key))).toBe(false);
    await expect(images.remove('two')).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  test('an image that a VM or a retained disk lies over stays, whatever is tried', async () => {
    const key = await imported('base');
    const vm = await SmolVM.create({ vmId: 'user', image: 'base', retainDiskOnDelete: true });
    await expect(images.remove('base')).rejects.toMatchObject({
      code: 'BUSY',
      details: { usedBy: ['user'] },
    });
    expect((await images.inspect('base')).usedBy).toEqual(['user']);
    await vm.delete();
    await vm.close();
    await expect(images.remove('base')).rejects.toMatchObject({ code: 'BUSY' });
    expect(await images.remove('base', { force: true })).toMatchObject({ filesRemoved: false });
    expect((await images.prune()).items).toEqual([]);
    expect(existsSync(entryFolder(key))).toBe(true);
    await SmolVM.deleteById('user');
    expect((await images.prune()).items).toMatchObject([{ kind: 'image', what: key }]);
    expect(existsSync(entryFolder(key))).toBe(false);
  });

  test('prune takes what nothing leads to, and a dry run tells the same and changes nothing', async () => {
    const name = await pushed('pruned', { f: '1' });
    await images.pull(name);
    const kept = await imported('kept');
    await images.remove(name);
    const { pid } = process;
    const dead = `.rootfs-${pid}-1-${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}-${'a'.repeat(12)}.tmp`;
    mkdirSync(store('rootfs', dead));
    writeFileSync(store('rootfs', dead, 'half'), 'x'.repeat(10_000));
    writeFileSync(store('f'.repeat(64)), 'an asset of another version');
    const before = readdirSync(store(), { recursive: true }).sort();
    const told = await images.prune({ dryRun: true });
    expect(readdirSync(store(), { recursive: true }).sort()).toEqual(before);
    const kinds = told.items.map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['blob', 'leftover', 'asset']));
    expect(told.freedBytes).toBeGreaterThan(10_000);
    expect(await images.prune()).toEqual(told);
    expect((await images.prune()).items).toEqual([]);
    expect(readdirSync(store('rootfs'))).toEqual([kept]);
    expect(readdirSync(store('blobs', 'sha256'))).toEqual([]);
  });

  test('prune leaves blobs alone of which another process is making an image', async () => {
    const name = await pushed('in-work', { g: '1' });
    let result: Awaited<ReturnType<typeof images.prune>> | undefined;
    const pruning = { done: Promise.resolve() };
    const onProgress = ({ step }: ImageProgress): void => {
      if (step !== 'unpack' || result !== undefined) return;
      pruning.done = images.prune().then((found) => void (result = found));
    };
    await images.pull(name, { onProgress });
    await pruning.done;
    expect(result?.items).toEqual([]);
    expect(readdirSync(store('blobs', 'sha256')).length).toBeGreaterThan(0);
  });

  test('one bad entry or name does not keep the others from being listed', async () => {
    await imported('good');
    mkdirSync(entryFolder('0'.repeat(64)));
    writeFileSync(store('names', 'odd.json'), 'no json');
    const found = await images.list();
    expect(found.map(({ state }) => state)).toEqual(['ready', 'damaged']);
    expect((await images.prune()).items.map(({ kind }) => kind)).toEqual(['image', 'name']);
    expect(readFileSync((await images.inspect('good')).rootfsPath).length).toBeGreaterThan(0);
  });
});
