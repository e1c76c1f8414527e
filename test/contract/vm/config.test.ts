import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { SmolVM, VMConfig } from '../../../src/index.ts';
import { vmPaths } from '../../../src/spec/file-names.ts';
import { openSqlDatabase } from '../../../src/store/sql-database.ts';
import { readEnvFile, writeEnvFile } from '../../../src/vm/env-file.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
let paths: { readonly kernelPath: string; readonly rootfsPath: string };

beforeEach(() => {
  paths = { kernelPath: join(world().folder, 'vmlinux'), rootfsPath: join(world().folder, 'root.ext4') };
  writeFileSync(paths.kernelPath, 'a kernel');
  writeFileSync(paths.rootfsPath, Buffer.alloc(2 * 1024 * 1024));
});

const commandLineOf = (pid: number | null): string => readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');

describe('a VMConfig', () => {
  it('makes a VM of all that it says', async () => {
    const config = new VMConfig({ ...paths, vmId: 'box', vcpuCount: 3, memSizeMib: 256, backend: 'qemu' });
    await using vm = await SmolVM.create(config);
    expect(vm.info).toMatchObject({ ...paths, vmId: 'box', vcpuCount: 3, memSizeMib: 256, backend: 'qemu' });
    await vm.start();
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
  });

  it('is launched, with the options of the start beside it', async () => {
    const config = new VMConfig(paths);
    await using vm = await SmolVM.launch(config, { bootTimeoutMs: 20_000 });
    expect(vm.info).toMatchObject({ vmId: config.vmId, state: 'running' });
    await expect(SmolVM.launch(new VMConfig(paths), { bootTimeoutMs: 0 })).rejects.toThrow('bootTimeoutMs');
    const aborted = { signal: AbortSignal.abort() };
    await expect(SmolVM.create(new VMConfig(paths), aborted)).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('whose files went away since it was made is refused, and nothing is made', async () => {
    const config = new VMConfig(paths);
    renameSync(paths.rootfsPath, `${paths.rootfsPath}.away`);
    await expect(SmolVM.create(config)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(paths.rootfsPath) as unknown,
    });
    expect(await SmolVM.list()).toEqual([]);
  });

  it('of a backend that is not there yet is refused with what may be used', async () => {
    await expect(SmolVM.create(new VMConfig({ ...paths, backend: 'firecracker' }))).rejects.toMatchObject({
      code: 'HYPERVISOR_UNAVAILABLE',
      message: expect.stringContaining('not there yet') as unknown,
      hint: 'Use one of: auto, qemu',
    });
  });

  it('adds its boot arguments to those of the machine', async () => {
    await using vm = await SmolVM.launch(
      new VMConfig({ ...paths, bootArgs: 'console=ttyS0 init=/init loglevel=7' }),
    );
    expect(commandLineOf(vm.info.pid)).toMatch(/ root=\/dev\/vda .* -c : loglevel=7\0/);
  });
});

describe('a stored VM whose kernel is gone', () => {
  it('is listed and says at its start what is missing; once it is back, it starts', async () => {
    await using vm = await SmolVM.create({ ...paths, vmId: 'box' });
    renameSync(paths.kernelPath, `${paths.kernelPath}.away`);
    expect(await SmolVM.list()).toMatchObject([{ vmId: 'box', state: 'created' }]);
    await expect(vm.start()).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: `VM 'box' cannot boot: there is no file ${paths.kernelPath}`,
      hint: expect.stringContaining('Put it back') as unknown,
    });
    expect(vm.status).toBe('failed');
    renameSync(`${paths.kernelPath}.away`, paths.kernelPath);
    await vm.start();
  });
});

describe('the variables of a VM', () => {
  const SECRET = 'hunter2-very-secret';
  const envVars = { TOKEN: SECRET, EMPTY: '' };

  it('are in one private file of the VM, and in no database, command line or info', async () => {
    await using vm = await SmolVM.create({ vmId: 'box', envVars });
    await vm.start();
    const file = join(world().home, 'vms/box/env.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(commandLineOf(vm.info.pid)).not.toContain(SECRET);
    expect(JSON.stringify([vm.info, await SmolVM.list()])).not.toContain(SECRET);
    const database = await openSqlDatabase(join(world().home, 'smolvm.db'));
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    const holding = [world().home, world().run]
      .flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
      )
      .filter((path) => statSync(path).isFile() && readFileSync(path).includes(SECRET));
    expect(holding).toEqual([file]);
  });

  it('go with the VM, and a VM without variables has no file for them', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    expect(readdirSync(join(world().home, 'vms/box'))).toEqual(['disk.qcow2']);
    await vm.delete();
    const other = await SmolVM.create({ vmId: 'box', envVars });
    expect(readEnvFile(vmPaths(world(), 'box'))).toEqual(envVars);
    await other.delete();
    await other.close();
    expect(readdirSync(join(world().home, 'vms'))).toEqual([]);
  });

  it('are written whole, read back as they were, and removed when there are none', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    const of = vmPaths(world(), vm.vmId);
    const odd = { A: 'line\nline', B: 'ü"\'$\\', C: '\u0001'.repeat(100_000) };
    await writeEnvFile(of, odd);
    expect(readEnvFile(of)).toEqual(odd);
    expect(readdirSync(of.folder).sort()).toEqual(['disk.qcow2', 'env.json']);
    await writeEnvFile(of, {});
    expect(readEnvFile(of)).toEqual({});
    expect(readdirSync(of.folder)).toEqual(['disk.qcow2']);
    await expect(writeEnvFile(of, { 'A-B': 'x' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it.each([
    `{"TOKEN":"${SECRET}"`,
    `["${SECRET}"]`,
    `{"A-B":"${SECRET}"}`,
    `${SECRET}${' '.repeat(9_000_000)}`,
  ])('that are damaged are refused without being shown: case %#', async (text) => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    const of = vmPaths(world(), vm.vmId);
    writeFileSync(of.envFile, text);
    try {
      readEnvFile(of);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE_INVALID', hint: expect.stringContaining('rm ') as unknown });
      expect(JSON.stringify([error, String((error as Error).cause)])).not.toContain('hunter2');
    }
  });
});
