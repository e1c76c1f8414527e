import { execFileSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.ts';
import { doctor, SmolVM } from '../../../src/index.ts';
import { openSqlDatabase } from '../../../src/store/sql-database.ts';
import { buildFolder, fixture } from '../../support/places.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const unshare = findProgram('unshare') ?? '';

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const hasKvm = isUsable('/dev/kvm');
if (!hasKvm) console.warn('skipped: the probe of KVM (there is no /dev/kvm that we may use)');
const accelerationOf = async (vm: SmolVM): Promise<unknown> => {
  await vm.start();
  return vm.timings?.acceleration;
};

describe.skipIf(!hasKvm)('the probe of acceleration', () => {
  it('boots a guest once and remembers that it came up', async () => {
    await using vm = await SmolVM.create();
    expect(await accelerationOf(vm)).toEqual({ kind: 'hardware' });
    await using other = await SmolVM.create();
    expect(await accelerationOf(other)).toEqual({ kind: 'hardware' });
    const calls = world().qemu.calls();
    expect(calls.filter((call) => call === 'probe')).toHaveLength(1);
    expect(calls.filter((call) => call === 'version')).toHaveLength(1);
  });

  it('takes a guest that aborts for no acceleration, once, and says what was said', async () => {
    const qemu = world().useProgram({ kvm: 'aborts' });
    await using vm = await SmolVM.create();
    expect(await accelerationOf(vm)).toMatchObject({
      kind: 'emulated',
      reason: expect.stringContaining('SIGABRT (kvm run failed)') as unknown,
    });
    await using other = await SmolVM.create();
    expect(await accelerationOf(other)).toMatchObject({ kind: 'emulated' });
    expect(qemu.calls().filter((call) => call === 'probe')).toHaveLength(1);
  });

  it('gives a guest that hangs up after its deadline, once', async () => {
    const qemu = world().useProgram({ kvm: 'hangs' });
    await using vm = await SmolVM.create();
    expect(await accelerationOf(vm)).toMatchObject({
      kind: 'emulated',
      reason: expect.stringContaining('did not boot within 1500 ms') as unknown,
    });
    await using other = await SmolVM.create();
    await other.start();
    expect(qemu.calls().filter((call) => call === 'probe')).toHaveLength(1);
  });

  it('asks anew when the program is another one', async () => {
    await using vm = await SmolVM.create();
    expect(await accelerationOf(vm)).toEqual({ kind: 'hardware' });
    await vm.stop();
    const replaced = world().useProgram({ kvm: 'aborts' });
    renameSync(replaced.path, world().qemu.path);
    expect(await accelerationOf(vm)).toMatchObject({ kind: 'emulated' });
    expect(replaced.calls().filter((call) => call === 'probe')).toHaveLength(1);
  });
});

describe('a host without a usable VMM', () => {
  const refusal = async (): Promise<unknown> => SmolVM.create().catch((error: unknown) => error);

  it('says that the program is not there', async () => {
    process.env['SMOLVM_QEMU'] = '/nowhere/qemu';
    expect(await refusal()).toMatchObject({
      code: 'HYPERVISOR_UNAVAILABLE',
      message: expect.stringContaining('/nowhere/qemu') as unknown,
      hint: expect.stringContaining('apt-get install') as unknown,
    });
  });

  it('says that the program may not be run', async () => {
    chmodSync(world().qemu.path, 0o644);
    expect(await refusal()).toMatchObject({
      code: 'HYPERVISOR_UNAVAILABLE',
      message: expect.stringContaining('no program that we may run') as unknown,
    });
  });

  it('says that the program is a folder', async () => {
    process.env['SMOLVM_QEMU'] = world().folder;
    expect(await refusal()).toMatchObject({ code: 'HYPERVISOR_UNAVAILABLE' });
  });

  it('says what the program lacks', async () => {
    world().useProgram({ machines: 'pc' });
    expect(await refusal()).toMatchObject({
      code: 'HYPERVISOR_UNAVAILABLE',
      message: expect.stringContaining('lacks: -machine microvm') as unknown,
    });
  });

  it('says that the program is something else', async () => {
    writeFileSync(world().qemu.path, '#!/bin/sh\necho "hello \x1b[31m"\n', { mode: 0o755 });
    expect(await refusal()).toMatchObject({
      code: 'HYPERVISOR_UNAVAILABLE',
      message: expect.stringContaining('hello \\x1b[31m') as unknown,
    });
  });

  it('remembers a refusal only until the program is replaced', async () => {
    const { path } = world().useProgram({ machines: 'pc' });
    expect(await refusal()).toMatchObject({ code: 'HYPERVISOR_UNAVAILABLE' });
    renameSync(world().qemu.path, path);
    cpSync(`${world().qemu.path}.json`, `${path}.json`);
    await using vm = await SmolVM.create();
    expect(vm.status).toBe('created');
  });
});

describe('assets', () => {
  it('that are damaged by one bit are refused, and nothing of them appears', async () => {
    const path = join(world().assets, 'kernel.zst');
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(5_000) ^ 1, 5_000);
    writeFileSync(path, bytes);
    await expect(SmolVM.create()).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    expect(readdirSync(join(world().home, 'images')).every((name) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
    expect(readdirSync(join(world().home, 'images'))).toHaveLength(2);
  });

  it('that are missing are asked for', async () => {
    rmSync(world().assets, { recursive: true });
    await expect(SmolVM.create()).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      hint: expect.any(String) as unknown,
    });
  });
});

describe('a state folder', () => {
  it('that others may enter is refused', async () => {
    chmodSync(world().home, 0o755);
    await expect(SmolVM.list()).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringContaining('SMOLVM_HOME') as unknown,
    });
    chmodSync(world().home, 0o700);
    expect(await SmolVM.list()).toEqual([]);
  });

  it('that is a symbolic link is refused', async () => {
    symlinkSync(world().home, join(world().folder, 'link'));
    process.env['SMOLVM_HOME'] = join(world().folder, 'link');
    await expect(SmolVM.list()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('is made, private, when there is none', async () => {
    process.env['SMOLVM_HOME'] = join(world().folder, 'new/home');
    expect(await SmolVM.list()).toEqual([]);
    expect(statSync(join(world().folder, 'new/home')).mode & 0o777).toBe(0o700);
  });

  it('with a folder of a VM that is not known is not overwritten', async () => {
    mkdirSync(join(world().home, 'vms/box'), { recursive: true, mode: 0o700 });
    chmodSync(join(world().home, 'vms'), 0o700);
    writeFileSync(join(world().home, 'vms/box/precious'), 'x');
    await expect(SmolVM.create({ vmId: 'box' })).rejects.toMatchObject({
      code: 'HOST_FAILED',
      hint: expect.stringContaining('rm -r') as unknown,
    });
    expect(readFileSync(join(world().home, 'vms/box/precious'), 'utf8')).toBe('x');
    expect(await SmolVM.list()).toEqual([]);
    rmSync(join(world().home, 'vms/box'), { recursive: true });
  });

  it('with a damaged record lists it, keeps all others usable, and deletes it', async () => {
    await using good = await SmolVM.create({ vmId: 'good' });
    const bad = await SmolVM.create({ vmId: 'bad' });
    await bad.start();
    await bad.close();
    const database = await openSqlDatabase(join(world().home, 'smolvm.db'));
    database.exec(`UPDATE vms SET vm = '{}' WHERE id = 'bad'`);
    database.close();
    expect(await SmolVM.list()).toMatchObject([
      { vmId: 'good', state: 'created' },
      { vmId: 'bad', state: 'damaged' },
    ]);
    await expect(SmolVM.fromId('bad')).rejects.toMatchObject({ code: 'STORE_INVALID' });
    await good.start();
    expect((await good.run(['true'])).ok).toBe(true);
    await SmolVM.deleteById('bad', { force: true });
    expect(await SmolVM.list()).toMatchObject([{ vmId: 'good', state: 'running' }]);
  });

  it('keeps its sockets and files from everybody else', async () => {
    await using vm = await SmolVM.create();
    await vm.start();
    const modes = (folder: string): number[] =>
      [
        folder,
        ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
      ].map((path) => statSync(path).mode & 0o077);
    expect(modes(world().run).every((mode) => mode === 0)).toBe(true);
    expect(modes(join(world().home, 'vms')).every((mode) => mode === 0)).toBe(true);
  });
});

describe('a full disk', () => {
  const canMount = ((): boolean => {
    try {
      execFileSync(unshare, ['-Urm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/mnt'], {
        stdio: 'ignore',
      });
      return true;
    } catch {
      console.warn('skipped: the full disk (neither root nor user namespaces may mount a tmpfs here)');
      return false;
    }
  })();

  it.skipIf(!canMount).each([
    ['that has room for less than the images', '1m', 'NO_SPACE'],
    ['that has room for less than the reserve', '32m', 'NO_SPACE'],
    ['that has room', '200m', 'ok'],
  ])('%s (%s): %s, and nothing is left', (_what, size, expected) => {
    const script = `mount -t tmpfs -o size=${size},mode=700 none "$SMOLVM_HOME" && exec "$@"`;
    const program = `
      import { readdirSync } from 'node:fs';
      const { SmolVM } = await import(process.argv[1]);
      const code = await SmolVM.create({ vmId: 'box' }).then(async (vm) => { await vm.delete(); return 'ok'; }, (error) => error.code);
      const list = await SmolVM.list();
      const files = readdirSync(process.env.SMOLVM_HOME, { recursive: true }).filter((name) => !/^(smolvm\\.db.*|vms|images(\\/[0-9a-f]{64})?)$/.test(name));
      console.log(JSON.stringify({ code, list, files }));`;
    const args = [
      '-Urm',
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
      program,
      `${buildFolder}/index.js`,
    ];
    const said = execFileSync(unshare, args, { encoding: 'utf8', cwd: join(fixture(''), '..') });
    expect(JSON.parse(said)).toEqual({ code: expected, list: [], files: [] });
  });
});

describe('doctor', () => {
  it('finds nothing to complain about on a good host', async () => {
    const checks = await doctor();
    expect(checks.filter(({ result }) => result === 'failed')).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain('hypervisor');
  });

  it('says what is wrong and how to mend it', async () => {
    process.env['SMOLVM_QEMU'] = '/nowhere/qemu';
    const hypervisor = (await doctor()).find(({ name }) => name === 'hypervisor');
    expect(hypervisor).toMatchObject({
      result: 'failed',
      fix: expect.stringContaining('apt-get') as unknown,
    });
  });

  it('works also where the state folder cannot be used', async () => {
    chmodSync(world().home, 0o755);
    expect(await doctor()).toMatchObject([{ name: 'state', result: 'failed' }]);
    chmodSync(world().home, 0o700);
  });
});
