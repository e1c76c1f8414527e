import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cleanup } from '../../../../src/base/cleanup.ts';
import { Deadline } from '../../../../src/base/deadline.ts';
import { DockerRootfsBuilder, ImageBuilder, ImageError, type EngineName } from '../../../../src/index.ts';
import { readContext, stageContext } from '../../../../src/image/docker/context-files.ts';
import { exportEngineImage } from '../../../../src/image/docker/export-image.ts';
import { findInLayer } from '../../../../src/image/docker/find-in-layer.ts';
import { FakeEngine } from '../../../support/fake-engine.ts';
import { useImageWorld } from '../../../support/image-world.ts';

const world = useImageWorld();

const problemOf = async (engine?: EngineName): Promise<unknown> => {
  const error = await new ImageBuilder({ engine }).dockerRequirementError();
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(ImageError);
  expect(error.hint).not.toBe('');
  return error.details['problem'];
};

describe('the diagnosis of engines', () => {
  it('says that there is none', async () => {
    rmSync(world.engine.bin, { recursive: true });
    expect(await problemOf()).toBe('not-installed');
    expect(await new ImageBuilder().checkDocker()).toBe(false);
  });

  it.each([
    [
      'daemon-not-running',
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    ],
    [
      'permission-denied',
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
    ],
  ])('says %s, having asked twice', async (problem, stderr) => {
    world.engine.behave({ info: { exitCode: 1, stderr } });
    expect(await problemOf()).toBe(problem);
    expect(world.engine.calls()).toHaveLength(2);
  });

  it('forgives one failure', async () => {
    world.engine.behave({ info: { exitCode: 1, stderr: 'Cannot connect to the Docker daemon', times: 1 } });
    expect(await new ImageBuilder().checkDocker()).toBe(true);
    expect(world.engine.calls()).toHaveLength(2);
  });

  it.each([
    ['disk-full', 'write /var/lib/docker/x: no space left on device'],
    [
      'registry-unreachable',
      'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
    ],
  ])('a build that fails says %s', async (problem, stderr) => {
    world.engine.behave({ build: { exitCode: 1, stderr } });
    const builder = new DockerRootfsBuilder({ name: 'x', dockerfile: 'FROM alpine' });
    await expect(builder.ensure({ backend: 'auto', boot: 'agent' })).rejects.toMatchObject({
      name: 'ImageError',
      details: { problem, step: 'build', exitCode: 1, engine: 'docker' },
    });
  });

  it('ends an engine that does not answer when it is aborted', async () => {
    world.engine.behave({ info: { hangs: true } });
    const controller = new AbortController();
    const asked = new ImageBuilder().checkDocker(controller.signal);
    const outcome = expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
    await world.called('info');
    controller.abort();
    await outcome;
  });
});

describe('the choice of engines', () => {
  const others = (): FakeEngine => {
    const folder = join(world.folder(), 'others');
    mkdirSync(folder);
    const engines = new FakeEngine(folder, ['podman', 'buildah']);
    process.env['PATH'] = `${world.engine.bin}:${engines.bin}`;
    return engines;
  };
  const build = (engine?: EngineName) =>
    new DockerRootfsBuilder({ name: 'x', dockerfile: 'FROM scratch', rootfsSizeMib: 32, engine }).ensure({
      backend: 'qemu',
      boot: 'agent',
    });

  it('is the first that works', async () => {
    const engines = others();
    world.engine.behave({ info: { exitCode: 1 } });
    await build();
    expect(engines.calls().map(({ name, step }) => `${name} ${step}`)).toEqual(
      ['info', 'build', 'create', 'export', 'rm', 'rmi'].map((step) => `podman ${step}`),
    );
    expect(engines.calls('build')[0]?.argv).toContainEqual(
      expect.stringMatching(/^localhost\/smolvm-custom-/),
    );
    expect(engines.left()).toEqual([]);
  });

  it('is the one that is asked for, and no other', async () => {
    others();
    world.engine.behave({ info: { exitCode: 1, stderr: 'broken' } });
    await expect(build('docker')).rejects.toThrow(/Docker info failed with exit code 1: broken/);
  });

  it('builds with Buildah, which has no containers to export', async () => {
    const engines = others();
    await build('buildah');
    expect(engines.calls().map(({ step }) => step)).toEqual(['info', 'build', 'build', 'rmi']);
    const [made, exported] = engines.calls('build');
    expect(exported?.dockerfile).toBe(`FROM ${made?.argv[made.argv.indexOf('--tag') + 1] ?? ''}\n`);
    expect(exported?.argv).toEqual(expect.arrayContaining(['--output', '-', '--layers=false', '--force-rm']));
    expect(engines.left()).toEqual([]);
  });
});

describe('exportEngineImage', () => {
  const choice = () => ({ env: { PATH: process.env['PATH'] ?? '' } });

  it('gives the configuration and the files, and leaves nothing', async () => {
    using deadline = new Deadline('export', 15_000);
    const { signal } = deadline;
    world.engine.inspect('[{"Os":"linux","Architecture":"amd64","Config":{"Cmd":["/x"],"Env":["A=b"]}}]');
    const undo = new Cleanup();
    const { config, layers } = await exportEngineImage(choice(), 'hello:latest', undo, { signal });
    expect(config).toMatchObject({ cmd: ['/x'], env: { A: 'b' } });
    const [files] = layers;
    if (files === undefined) throw new Error('no layer');
    expect((await findInLayer(files, 'etc/hello', signal))?.contents.toString()).toBe('hello\n');
    expect(await findInLayer(files, 'etc/nothing', signal)).toBeUndefined();
    expect(world.engine.left()).toHaveLength(1);
    expect(await undo.run()).toEqual([]);
    expect(world.engine.left()).toEqual([]);
    expect(world.engine.calls('create')[0]?.argv).toContain('never');
  });

  it('refuses what is no name, and tells what is not there', async () => {
    using deadline = new Deadline('export', 15_000);
    const undo = new Cleanup();
    for (const name of ['--help', '', 'a b', '-v'])
      await expect(exportEngineImage(choice(), name, undo, deadline)).rejects.toThrow(/name of an image/);
    expect(world.engine.calls()).toEqual([]);
    world.engine.behave({ inspect: { exitCode: 1, stderr: 'Error: No such image: gone\n' } });
    await expect(exportEngineImage(choice(), 'gone', undo, deadline)).rejects.toThrow(
      /Docker inspect failed .*No such image: gone/,
    );
  });
});

it('a file of the context that changes while it is read is not built from', async () => {
  using deadline = new Deadline('read', 15_000);
  const path = join(world.folder(), 'file');
  const staged = join(world.folder(), 'staged');
  mkdirSync(staged);
  writeFileSync(path, 'before');
  const files = [{ path: 'file', source: { hostPath: path }, mode: undefined }];
  const facts = await readContext(files, deadline.signal);
  writeFileSync(path, 'after!');
  await expect(stageContext(staged, files, facts, deadline.signal)).rejects.toThrow(
    /changed while it was read/,
  );
});
