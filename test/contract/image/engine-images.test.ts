import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { images } from '../../../src/index.ts';
import { cli } from '../../support/cli.ts';
import { FakeEngine } from '../../support/fake-engine.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const path = process.env['PATH'];
let engine: FakeEngine;
let folder: string;

const described = (user: string): string =>
  JSON.stringify([
    {
      Os: 'linux',
      Architecture: 'amd64',
      Config: { Env: ['A=b'], User: user, Cmd: ['serve'], WorkingDir: '/srv' },
    },
  ]);

beforeEach(() => {
  engine = new FakeEngine(world().folder);
  engine.inspect(described('7'));
  process.env['PATH'] = `${engine.bin}:${path ?? ''}`;
  folder = join(world().folder, 'worker');
  mkdirSync(folder);
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n');
});
afterEach(() => {
  process.env['PATH'] = path;
});

describe('an image of an engine', () => {
  test('is built from a folder; nothing is left in the engine', async () => {
    const image = await images.build({ folder, name: 'worker', buildArgs: { LEVEL: '3' } });
    expect(image).toMatchObject({
      name: 'worker:latest',
      config: { env: { A: 'b' }, user: '7', cmd: ['serve'] },
    });
    expect(engine.calls('build')[0]?.argv).toEqual(
      expect.arrayContaining(['--build-arg', 'LEVEL=3', folder]),
    );
    expect(engine.left()).toEqual([]);
    expect(await images.inspect('worker')).toMatchObject({ source: { kind: 'build' } });
  });

  test('is imported; the same files with another configuration are another image', async () => {
    await images.import({ engine: 'hello:latest' }, 'one');
    engine.inspect(described('8'));
    await images.import({ engine: 'hello:latest' }, 'two');
    const [one, two] = await images.list();
    expect(one?.key).not.toBe(two?.key);
    expect(engine.left()).toEqual([]);
  });

  test('that cannot be built says why, and leaves nothing here nor there', async () => {
    engine.behave({ build: { exitCode: 3, stderr: 'no such base\n' } });
    const { exitCode, stderr } = await cli(['image', 'build', folder, '-t', 'worker']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^building\n[^]*smolvm: [^]*no such base/);
    expect(engine.left()).toEqual([]);
    expect(await images.list()).toEqual([]);
    expect(readdirSync(join(world().home, 'images', 'makers'))).toEqual([]);
  });

  test('needs a Dockerfile', async () => {
    await expect(images.build({ folder: world().home, name: 'x' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    });
    await expect(images.build({ folder: '/nowhere', name: 'x' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(engine.calls()).toEqual([]);
  });
});
