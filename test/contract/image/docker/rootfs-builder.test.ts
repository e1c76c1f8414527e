import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BootImage,
  DirectKernelBoot,
  DockerRootfsBuilder,
  ImageError,
  type DockerRootfsOptions,
  type EnsureOptions,
  type ImageProgress,
} from '../../../../src/index.ts';
import { imagePlaces } from '../../../../src/open-host.ts';
import { isAlive, processRef } from '../../../../src/base/process-ref.ts';
import { Child } from '../../../support/child.ts';
import { makeFakeAssets } from '../../../support/fake-assets.ts';
import type { StepBehaviour } from '../../../support/fake-engine.ts';
import { useImageWorld } from '../../../support/image-world.ts';

const world = useImageWorld();
const { folder, called } = world;

const OPTIONS: DockerRootfsOptions = {
  name: 'worker',
  dockerfile: 'FROM scratch\nCOPY . /\n',
  rootfsSizeMib: 32,
};
const QEMU: EnsureOptions = { backend: 'qemu', boot: new DirectKernelBoot() };
const PLAIN: EnsureOptions = { backend: 'qemu', bootArgs: 'init=/init' };

function build(
  options: Partial<DockerRootfsOptions> = {},
  how: Partial<EnsureOptions> = {},
): Promise<BootImage> {
  return new DockerRootfsBuilder({ ...OPTIONS, ...options }).ensure({ ...QEMU, ...how });
}

/** What a build is refused with. */
async function refusal(options: Partial<DockerRootfsOptions> = {}, how: Partial<EnsureOptions> = {}) {
  const error: unknown = await build(options, how).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ImageError);
  return error as ImageError;
}

/** Names in the cache of the image, beside the folders of the keys. */
function cached(): readonly string[] {
  const custom = join(folder(), 'home/images/custom/worker');
  return existsSync(custom) ? readdirSync(custom).flatMap((key) => readdirSync(join(custom, key))) : [];
}

function catOf(image: BootImage, path: string): string {
  return execFileSync('/sbin/debugfs', ['-R', `cat ${path}`, image.rootfsPath], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

describe('DockerRootfsBuilder', () => {
  it('builds once, and then needs no engine', async () => {
    const first = await build();
    expect(first).toBeInstanceOf(BootImage);
    expect(first).toMatchObject({
      name: 'worker',
      rootfsFormat: 'raw-ext4',
      backend: 'qemu',
      sshCapable: false,
    });
    expect(first.rootfsPath).toMatch(/\/home\/images\/custom\/worker\/[0-9a-f]{64}\/rootfs\.ext4$/);
    expect(readFileSync(first.kernelPath ?? '', 'utf8')).toMatch(/^a kernel/);
    expect(catOf(first, '/etc/hello')).toBe('hello\n');
    expect(statSync(first.rootfsPath).size).toBe(32 * 1024 * 1024);
    expect(world.engine.calls().map(({ step }) => step)).toEqual([
      'info',
      'build',
      'create',
      'export',
      'rm',
      'rmi',
    ]);
    expect(world.engine.left()).toEqual([]);
    expect(cached().toSorted()).toEqual(['metadata.json', 'rootfs.ext4']);

    rmSync(world.engine.bin, { recursive: true });
    const made = statSync(first.rootfsPath).ino;
    const again = await build({}, { backend: 'firecracker', boot: undefined, bootArgs: 'init=/x' });
    expect(again).toMatchObject({
      rootfsPath: first.rootfsPath,
      backend: 'firecracker',
      bootArgs: 'init=/x',
    });
    expect(statSync(first.rootfsPath).ino).toBe(made);
    expect(world.engine.calls()).toHaveLength(6);
  });

  it('gives the engine the Dockerfile, the context with its modes, and nothing else', async () => {
    process.env['DOCKER_HOST'] = 'unix:///somewhere';
    const script = join(folder(), 'script');
    writeFileSync(script, '#!/bin/sh\n');
    chmodSync(script, 0o751);
    await build({
      context: {
        init: { path: script },
        'a/text': 'text',
        'a/bytes': { content: new Uint8Array([1, 2]), mode: 0o400 },
        './b//c': { path: script, mode: 0o600 },
      },
      buildArgs: { ONE: 'a b', TWO: '' },
      dockerPlatform: 'linux/arm64',
    });
    const [call] = world.engine.calls('build');
    expect(call?.dockerfile).toBe(OPTIONS.dockerfile);
    const modes = Object.entries(call?.context ?? {}).map(([path, { mode }]) => `${path} ${mode}`);
    expect(modes.toSorted()).toEqual(['a/bytes 400', 'a/text 644', 'b/c 600', 'init 751']);
    expect(call?.argv.slice(0, 4)).toEqual([
      'build',
      '--force-rm',
      '--tag',
      expect.stringMatching(/^smolvm-custom-[0-9a-f]{16}:[0-9a-f]{16}$/),
    ]);
    expect(call?.argv.slice(4, 10)).toEqual([
      '--platform',
      'linux/arm64',
      '--build-arg',
      'ONE=a b',
      '--build-arg',
      'TWO=',
    ]);
    const [create] = world.engine.calls('create');
    expect(create?.argv).toContain('linux/arm64');
    expect(new Set(world.engine.calls().map(({ dockerHost }) => dockerHost))).toEqual(
      new Set(['unix:///somewhere']),
    );
  });

  it('keeps another image for another byte of the context', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, 'one');
    const one = await build({ context: { file: { path: file } } });
    writeFileSync(file, 'two');
    const two = await build({ context: { file: { path: file } } });
    expect(two.rootfsPath).not.toBe(one.rootfsPath);
    expect(existsSync(one.rootfsPath)).toBe(true);
  });

  it('refuses a bad context before it calls an engine', async () => {
    mkdirSync(join(folder(), 'sub'));
    expect((await refusal({ context: { init: { path: '/nowhere/init' } } })).message).toContain(
      '/nowhere/init',
    );
    expect((await refusal({ context: { init: { path: join(folder(), 'sub') } } })).message).toContain(
      'not a regular file',
    );
    for (const key of ['../init', '/init', '', 'nested/dockerfile', 'a/../b', 'a/', '.'])
      expect(() => new DockerRootfsBuilder({ ...OPTIONS, context: { [key]: 'x' } })).toThrow(/context/);
    await expect(build({}, { bootArgs: 'init=/x' })).rejects.toThrow(/mutually exclusive/);
    await expect(build({}, { boot: undefined })).rejects.toThrow(/one of them is required/);
    await expect(build({}, { arch: 'mips' as 'amd64' })).rejects.toThrow(/arch/);
    await expect(build({}, { backend: 'vbox' as 'qemu' })).rejects.toThrow(/auto, firecracker, qemu/);
    await expect(build({}, { arch: 'arm64' })).rejects.toThrow(/no kernel for arm64/);
    expect(world.engine.calls()).toEqual([]);
  });

  it.each([
    [
      'build',
      { exitCode: 7, stderr: 'first line\nthe last line\n', stdout: 'out' },
      /^Docker build failed with exit code 7: first line\nthe last line$/,
    ],
    [
      'build',
      { exitCode: 1, stdout: 'only stdout\n' },
      /^Docker build failed with exit code 1: only stdout$/,
    ],
    [
      'create',
      { exitCode: 125, stderr: 'no create\n' },
      /^Docker create failed with exit code 125: no create$/,
    ],
    ['export', { exitCode: 3, stderr: 'no export\n' }, /Docker export failed with exit code 3: no export/],
  ] as const)(
    'a failed %s names the step, its exit code and what the engine said: %j',
    async (step, how: StepBehaviour, message) => {
      world.engine.behave({ [step]: how });
      expect((await refusal()).message).toMatch(message);
      expect(world.engine.left()).toEqual([]);
      expect(cached()).toEqual([]);
    },
  );

  it('takes no part of an export that ends early for the whole', async () => {
    world.engine.behave({ export: { exitCode: 0 } });
    const error = await refusal();
    expect(error.message).toMatch(/docker image smolvm-custom-/);
    expect(world.engine.left()).toEqual([]);
    expect(cached()).toEqual([]);
  });

  it('tells how much is needed where the size is too small', async () => {
    world.engine.image({ big: ['x'.repeat(48 * 1024 * 1024), 0o644] });
    expect((await refusal()).details['neededMib']).toBeGreaterThan(48);
    expect(cached()).toEqual([]);
  });

  it.each(['build', 'export'])(
    'an abort while the engine is at %s ends it and leaves nothing',
    async (step) => {
      world.engine.behave({ [step]: { hangs: true } });
      const controller = new AbortController();
      const building = build({}, { signal: controller.signal });
      const outcome = expect(building).rejects.toMatchObject({ code: 'ABORTED' });
      await called(step);
      const pid = world.engine.calls(step)[0]?.pid ?? 0;
      const ref = processRef(pid);
      expect(cached()).not.toContain('rootfs.ext4');
      controller.abort(new Error('Ctrl-C'));
      await outcome;
      expect(ref !== undefined && isAlive(ref)).toBe(false);
      expect(world.engine.left()).toEqual([]);
      expect(cached()).toEqual([]);
    },
  );

  it('tells what could not be removed, and still gives the image', async () => {
    world.engine.behave({ rm: { exitCode: 1, stderr: 'device is busy\n' } });
    const told: string[] = [];
    await build(
      {},
      {
        onProgress: (progress) => {
          if (progress.step === 'build') told.push(progress.output);
        },
      },
    );
    expect(told.join('')).toMatch(/could not remove the container .*device is busy/);
  });

  it.each([
    ['corrupt metadata', 'metadata.json'],
    ['a missing root file system', 'rootfs.ext4'],
  ])('builds again after %s', async (_what, name) => {
    const { rootfsPath } = await build();
    const path = join(rootfsPath, '..', name);
    if (name === 'rootfs.ext4') rmSync(path);
    else writeFileSync(path, '{"schemaVersion":');
    expect((await build()).rootfsPath).toBe(rootfsPath);
    expect(world.engine.calls('build')).toHaveLength(2);
    await build();
    expect(world.engine.calls('build')).toHaveLength(2);
  });

  it('tells what it does, whatever the watcher throws', async () => {
    const steps: ImageProgress[] = [];
    await build(
      {},
      {
        onProgress: (progress) => {
          steps.push(progress);
          throw new Error('a watcher that fails');
        },
      },
    );
    expect(steps[0]).toEqual({ step: 'build', output: 'Step 1/1 : FROM scratch\n' });
    expect(new Set(steps.map(({ step }) => step))).toEqual(new Set(['build', 'unpack', 'format']));
  });

  it('takes another kernel with the root file system that is there (behaviour 16)', async () => {
    const old = await build();
    makeFakeAssets(join(folder(), 'assets'), { kernel: Buffer.from('a newer kernel') });
    const image = await build({ sshCapable: true });
    expect(image.sshCapable).toBe(true);
    expect(image.rootfsPath).toBe(old.rootfsPath);
    expect(image.kernelPath).not.toBe(old.kernelPath);
    expect(readFileSync(image.kernelPath ?? '', 'utf8')).toBe('a newer kernel');
    expect(world.engine.calls('build')).toHaveLength(1);
  });

  it('writes apart from where the image will be, to a name that ends in .ext4 (behaviour 18)', async () => {
    const custom = join(folder(), 'home/images/custom/worker');
    const seen = new Set<string>();
    await build(
      {},
      {
        onProgress: ({ step }) => {
          if (step !== 'format') return;
          const names = readdirSync(custom, { recursive: true, encoding: 'utf8' });
          for (const name of names) if (name.endsWith('.ext4')) seen.add(join(custom, name));
        },
      },
    );
    expect([...seen]).toEqual([expect.stringMatching(/\/\.rootfs-[^/]+\/rootfs\.ext4$/)]);
    expect(cached().toSorted()).toEqual(['metadata.json', 'rootfs.ext4']);
  });

  it('keeps images in cacheDir, else in SMOLVM_IMAGE_DIR unless it is blank', () => {
    process.env['HOME'] = folder();
    process.env['SMOLVM_IMAGE_DIR'] = '  ';
    expect(imagePlaces().imagesFolder).toBe(join(folder(), 'home/images'));
    process.env['SMOLVM_IMAGE_DIR'] = '~/env';
    expect(imagePlaces().imagesFolder).toBe(join(folder(), 'env'));
    expect(imagePlaces(join(folder(), 'arg')).imagesFolder).toBe(join(folder(), 'arg'));
    expect(imagePlaces('~').imagesFolder).toBe(folder());
  });
});

describe('several processes', () => {
  it('build the same once', async () => {
    world.engine.behave({ build: { holds: true } });
    await using one = await Child.builder();
    await using other = await Child.builder();
    one.send({ options: OPTIONS, ensure: PLAIN });
    await called('build');
    other.send({ options: OPTIONS, ensure: PLAIN });
    expect(await other.next()).toEqual({ value: 'waits' });
    world.engine.release();
    const [first, second] = [await one.next(), await other.next()];
    expect(first).toEqual({ value: expect.stringMatching(/rootfs\.ext4$/) as unknown });
    expect(second).toEqual(first);
    expect(world.engine.calls('build')).toHaveLength(1);
  });

  it('take over from one that is killed, and remove what it left', async () => {
    world.engine.behave({ export: { times: 1, hangs: true } });
    await using one = await Child.builder();
    await using other = await Child.builder();
    one.send({ options: OPTIONS, ensure: PLAIN });
    await called('export');
    other.send({ options: OPTIONS, ensure: PLAIN });
    expect(await other.next()).toEqual({ value: 'waits' });
    const hanging = world.engine.calls('export')[0]?.pid;
    await one.killHard();
    expect(await other.next()).toEqual({ value: expect.stringMatching(/rootfs\.ext4$/) as unknown });
    expect(world.engine.calls('build')).toHaveLength(2);
    expect(cached().toSorted()).toEqual(['metadata.json', 'rootfs.ext4']);
    if (hanging !== undefined) process.kill(hanging, 'SIGKILL');
  });
});
