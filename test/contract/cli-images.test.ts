import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { images } from '../../src/index.ts';
import { cli, json, onTerminal, start } from '../support/cli.ts';
import { makeImage, makeTar } from '../support/oci-image.ts';
import { RegistryProcess } from '../support/registry-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();
const folder = temporaryFolder();
let registry: RegistryProcess;
let name: string;
// The stand-in for a guest runs commands on this host.
const CONFIG = {
  Env: ['PATH=/usr/bin:/bin', 'GREETING=hello'],
  Entrypoint: ['sh', '-c', 'echo "$GREETING $*"', 'sh'],
  Cmd: ['world'],
};

beforeAll(async () => {
  registry = await RegistryProcess.start(join(folder.path, 'registry'));
  name = await registry.push(await makeImage({ config: CONFIG }), 'greeter', '1');
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  folder.remove();
});

async function archive(): Promise<string> {
  const path = join(world().folder, 'root.tar');
  writeFileSync(path, await makeTar({ 'etc/what': 'x' }));
  return path;
}

describe('run --image', () => {
  test('pulls what is not here, and runs entrypoint and command of the image', async () => {
    const first = await cli(['run', '--image', name]);
    expect(first).toMatchObject({ exitCode: 0, stdout: 'hello world\n' });
    expect(first.stderr).toBe('downloading\nunpacking\nwriting the file system\n');
    expect(await cli(['run', '--image', name, '--', 'you', '-x'])).toMatchObject({
      exitCode: 0,
      stdout: 'hello you -x\n',
      stderr: '',
    });
    expect(await cli(['run', '--image', name, '-e', 'GREETING=bye'])).toMatchObject({
      stdout: 'bye world\n',
    });
    expect(await cli(['run', '--image', name, '--entrypoint', '', 'printenv', 'GREETING'])).toMatchObject({
      stdout: 'hello\n',
    });
    expect(await cli(['run', '--image', name, '--entrypoint', 'echo', 'a'])).toMatchObject({ stdout: 'a\n' });
    expect(await cli(['run', '--image', name, '-c', 'echo "$GREETING"'])).toMatchObject({
      stdout: 'hello\n',
    });
  });

  test('refuses before anything boots what makes no sense', async () => {
    expect(await cli(['run', '--image', name, '--entrypoint', ''])).toMatchObject({ exitCode: 2 });
    expect(await cli(['run', '--entrypoint', 'x', 'y'])).toMatchObject({ exitCode: 2 });
    expect(await cli(['run', '--image', name, '--rootfs', '/x'])).toMatchObject({ exitCode: 2 });
    expect(await cli(['run', '--image', 'No Name', 'x'])).toMatchObject({ exitCode: 2 });
    expect(await cli(['run', '--image', name, '--pull', 'often', 'x'])).toMatchObject({ exitCode: 2 });
    const none = await cli(['run', '--image', `${registry.host}/none`, 'x']);
    expect(none.exitCode).toBe(125);
    expect(none.stderr).toMatch(/^smolvm: /);
    expect(await cli(['run', '--image', 'absent', '--pull', 'never', 'x'])).toMatchObject({ exitCode: 125 });
  });

  test('create --image makes a VM that uses it, so that it cannot be removed', async () => {
    expect(await cli(['create', 'box', '--image', name])).toMatchObject({ exitCode: 0, stdout: 'box\n' });
    const refused = await json(['image', 'rm', name]);
    expect(refused).toMatchObject({
      exitCode: 1,
      envelope: { ok: false, command: 'image rm', error: { code: 'BUSY', details: { usedBy: ['box'] } } },
    });
    expect(await cli(['image', 'rm', '--force', name])).toMatchObject({ exitCode: 0 });
    expect((await json(['image', 'prune'])).envelope).toMatchObject({ data: { items: [], freedBytes: 0 } });
    expect(await cli(['start', 'box'])).toMatchObject({ exitCode: 0 });
    await cli(['delete', '--force', 'box']);
  });
});

describe('image', () => {
  test('pull shows a bar on a terminal and takes it away', async () => {
    const { exitCode, stdout } = await onTerminal(`image pull ${name}`);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\r\u001b\[2Kdownloading \[#+-*\] [0-9.]+ of [0-9.]+ MiB/);
    expect(stdout.endsWith(`\r\u001b[2K${name}\n`)).toBe(true);
  });

  test('import, list, inspect, save, load, rm: each has its envelope', async () => {
    const path = await archive();
    const saved = join(world().folder, 'saved.tar');
    const steps: readonly (readonly [string, readonly string[], object])[] = [
      ['image import', [path, 'own:1'], { state: 'ready', names: ['own:1'] }],
      ['image list', [], { images: [{ names: ['own:1'], usedBy: [] }] }],
      ['image inspect', ['own:1'], { source: { kind: 'archive', origin: path } }],
      ['image save', ['own:1', saved], { name: 'own:1', path: saved }],
      ['image load', [saved, '--name', 'copy'], { names: ['copy:latest'], source: { kind: 'saved' } }],
      [
        'image rm',
        ['own:1', 'copy'],
        { removed: [{ name: 'own:1', filesRemoved: true }, { name: 'copy:latest' }] },
      ],
      ['image prune', ['--dry-run'], { dryRun: true, items: [], freedBytes: 0, isPartial: false }],
    ];
    for (const [command, args, data] of steps)
      expect(await json([...command.split(' '), ...args])).toMatchObject({
        exitCode: 0,
        envelope: { ok: true, command, data },
      });
  });

  test('list and inspect for people; a folder is an image too', async () => {
    await cli(['image', 'import', join(world().folder), 'tree', '--size', '64']).then(({ exitCode }) => {
      expect(exitCode).toBe(0);
    });
    expect((await cli(['image', 'list'])).stdout).toMatch(
      /^NAME +KEY +STATE .*\ntree:latest +[0-9a-f]{12} +ready +[0-9.]+ MiB +64 MiB +- /,
    );
    expect((await cli(['image', 'inspect', 'tree'])).stdout).toMatch(/\nsource.kind +folder\n/);
  });

  test.each([
    [['image', 'inspect', 'none'], 1, 'IMAGE_INVALID'],
    [['image', 'rm', 'none'], 1, 'IMAGE_INVALID'],
    [['image', 'save', 'none', '/tmp/none.tar'], 1, 'IMAGE_INVALID'],
    [['image', 'load', '/nowhere'], 1, 'IMAGE_INVALID'],
    [['image', 'import', '/nowhere', 'x'], 2, 'INVALID_ARGUMENT'],
    [['image', 'pull', 'Bad Name'], 2, 'INVALID_ARGUMENT'],
    [['image', 'pull', 'x', '--size', 'big'], 2, 'INVALID_ARGUMENT'],
    [['image', 'build', '/nowhere', '-t', 'x'], 2, 'INVALID_ARGUMENT'],
    [['image', 'build', '.'], 2, 'INVALID_ARGUMENT'],
  ])('%j exits with %i and the code %s', async (args, exitCode, code) => {
    expect(await json(args)).toMatchObject({
      exitCode,
      envelope: {
        ok: false,
        command: args.slice(0, 2).join(' '),
        error: { code, details: expect.any(Object) as object },
      },
    });
  });

  test('rm tells of each name that could not be removed', async () => {
    await images.import({ path: await archive() }, 'good');
    expect(await json(['image', 'rm', 'good', 'none'])).toMatchObject({
      exitCode: 1,
      envelope: {
        error: { code: 'IMAGE_INVALID', details: { done: ['good:latest'], failures: [{ image: 'none' }] } },
      },
    });
  });

  test('names are completed', async () => {
    await images.import({ path: await archive() }, 'good:2');
    expect((await cli(['__complete', 'images'])).stdout).toBe('good:2\n');
  });

  test('Ctrl-C while a registry does not answer ends with 130 and leaves nothing', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const asked = once(silent, 'request');
    const { child, ended } = start([
      'image',
      'pull',
      `127.0.0.1:${(silent.address() as AddressInfo).port}/x`,
    ]);
    await asked;
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130, stdout: '', stderr: '' });
    silent.closeAllConnections();
    silent.close();
    expect(readdirSync(join(world().home, 'images', 'makers'))).toEqual([]);
  });
});
