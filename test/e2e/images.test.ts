import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { images, SmolVM } from 'smolvm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeImage, makeTar, type TarFiles } from '../support/oci-image.ts';
import { RegistryProcess } from '../support/registry-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { useRealHost } from './real-host.ts';

const BUSYBOX = '/usr/bin/busybox';
const folder = temporaryFolder();
let registry: RegistryProcess;
let name: string;

/** A root file system of BusyBox alone: nothing of smolvm is in it. */
function busybox(): TarFiles {
  const applets = ['sh', 'id', 'pwd', 'cat', 'env'].map(
    (applet) => [`bin/${applet}`, { symlink: 'busybox' }] as const,
  );
  return {
    'bin/busybox': { content: readFileSync(BUSYBOX), mode: 0o755 },
    ...Object.fromEntries(applets),
    'etc/passwd': 'root:x:0:0::/:/bin/sh\nworker:x:1000:1000::/srv:/bin/sh\n',
    'etc/group': 'root:x:0:\nworker:x:1000:\n',
    'srv/motd': 'good day\n',
  };
}

beforeAll(async () => {
  registry = await RegistryProcess.start(join(folder.path, 'registry'));
  const config = {
    Env: ['PATH=/bin', 'GREETING=hello'],
    WorkingDir: '/srv',
    User: 'worker',
    Entrypoint: ['sh', '-c', 'echo "$GREETING $(id -un) $(pwd) $*"; cat motd', 'sh'],
    Cmd: ['by default'],
  };
  name = await registry.push(
    await makeImage({ layers: [busybox(), { 'srv/motd': 'good night\n' }], config }),
    'box',
    '1',
  );
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  folder.remove();
});

// After the registry, whose pipes are no residue of VMs.
const host = useRealHost();
const CLI = join(host.repo, 'dist/cli/main.js');

const smolvm = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

describe('an image of a registry', () => {
  test('is pulled, booted with the agent, and run as its configuration says', () => {
    const first = smolvm('run', '--image', name);
    expect(first).toMatchObject({ status: 0, stdout: 'hello worker /srv by default\ngood night\n' });
    const second = smolvm('run', '--image', name, '--pull', 'never', '--', 'a', 'b');
    expect(second).toMatchObject({ status: 0, stdout: 'hello worker /srv a b\ngood night\n', stderr: '' });
    const own = smolvm(
      'run',
      '--image',
      name,
      '--user',
      'root',
      '--cwd',
      '/',
      '--entrypoint',
      '',
      '--',
      'id',
      '-u',
    );
    expect(own).toMatchObject({ status: 0, stdout: '0\n' });
  });

  test('gives commands of a VM their defaults, is saved and loaded, and boots again', async () => {
    const saved = join(host.scratch, 'box.tar');
    await images.save(name, saved, { overwrite: true });
    const image = await images.load(saved, { name: 'copy', overwrite: true });
    await using vm = await SmolVM.launch({ image, vcpuCount: 1 });
    expect((await vm.run(['sh', '-c', 'echo $GREETING'])).stdout).toBe('hello\n');
    expect((await vm.run('pwd; id -u')).stdout).toBe('/srv\n1000\n');
  });
});

test('a folder and a tar archive of a root file system boot', async () => {
  const tree = join(host.scratch, 'tree');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  cpSync(BUSYBOX, join(tree, 'bin/busybox'));
  symlinkSync('busybox', join(tree, 'bin/sh'));
  symlinkSync('busybox', join(tree, 'bin/cat'));
  writeFileSync(join(tree, 'what'), 'of a folder\n');
  const path = join(host.scratch, 'root.tar');
  writeFileSync(path, await makeTar({ ...busybox(), what: 'of an archive\n' }));
  for (const [image, what] of [
    [await images.import({ folder: tree }, 'of-folder'), 'of a folder\n'],
    [await images.import({ path }, 'of-archive'), 'of an archive\n'],
  ] as const) {
    await using vm = await SmolVM.launch({ image, vcpuCount: 1 });
    expect((await vm.run(['/bin/cat', '/what'])).stdout).toBe(what);
  }
});
