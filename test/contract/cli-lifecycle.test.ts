import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SmolVM } from '../../src/index.ts';
import { openSqlDatabase } from '../../src/store/sql-database.ts';
import { cli, json } from '../support/cli.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();

/** Writes a file for `--config`. */
function configFile(config: unknown): string {
  const path = join(world().folder, 'vm.json');
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config));
  return path;
}

describe('pause and resume', () => {
  test('halt a VM and let it go on; commands are refused in between', async () => {
    await cli(['create', 'box', '--start']);
    expect(await json(['pause', 'box'])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'pause', data: { vmId: 'box', state: 'paused' } },
    });
    expect((await cli(['list'])).stdout).toMatch(/\nbox +paused /);
    expect(await cli(['exec', 'box', 'ls'])).toMatchObject({
      exitCode: 125,
      stderr: `smolvm: VM 'box' is paused, commands need a running VM\nhint: Let it go on: smolvm resume box\n`,
    });
    expect(await cli(['resume', 'box'])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(await cli(['exec', 'box', 'echo', 'hi'])).toMatchObject({ exitCode: 0, stdout: 'hi\n' });
    await cli(['pause', 'box']);
    expect(await cli(['stop', 'box'])).toMatchObject({ exitCode: 0 });
    expect(await json(['pause', 'box'])).toMatchObject({
      exitCode: 1,
      envelope: { ok: false, command: 'pause', error: { code: 'WRONG_STATE' } },
    });
    await cli(['delete', 'box']);
  });
});

describe('the options of a disk and of the kernel', () => {
  test('reach the VM', async () => {
    const disk = ['--disk-size', '3000', '--disk-mode', 'isolated', '--retain-disk'];
    const { envelope } = await json(['create', 'box', ...disk, '--boot-args', 'quiet loglevel=3']);
    expect(envelope).toMatchObject({
      data: {
        diskSizeMib: 3000,
        diskMode: 'isolated',
        retainDiskOnDelete: true,
        bootArgs: 'quiet loglevel=3',
      },
    });
    await cli(['delete', 'box']);
    await cli(['delete', 'box']);
  });

  test('are judged by the SDK', async () => {
    for (const args of [
      ['--disk-mode', 'x'],
      ['--disk-size', '0'],
      ['--boot-args', 'root=/dev/sda'],
      ['--disk-mode', 'shared'],
    ])
      expect(await cli(['create', ...args])).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await SmolVM.list()).toEqual([]);
  });
});

describe('--config', () => {
  test('gives fields of a VM, over which options go', async () => {
    const file = configFile({
      vmId: 'box',
      vcpuCount: 3,
      memSizeMib: 256,
      backend: null,
      envVars: { A: 'x' },
    });
    const { envelope } = await json(['create', '--config', file, '--memory', '300']);
    expect(envelope).toMatchObject({ data: { vmId: 'box', vcpuCount: 3, memSizeMib: 300 } });
    expect(existsSync(join(world().home, 'vms/box/env.json'))).toBe(true);
    await cli(['delete', 'box']);
    const other = await json(['create', 'other', '--config', file]);
    expect(other.envelope).toMatchObject({ data: { vmId: 'other' } });
    await cli(['delete', 'other']);
    expect(await cli(['run', '--config', file, '--', 'echo', 'hi'])).toMatchObject({
      exitCode: 0,
      stdout: 'hi\n',
    });
  });

  test('names paths that lead nowhere', async () => {
    const file = configFile({ kernelPath: '/nowhere/vmlinux', rootfsPath: world().folder });
    const { exitCode, stderr } = await cli(['create', '--config', file]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no file /nowhere/vmlinux') as string,
    });
  });

  test('refuses fields that no VM has, also options of a start', async () => {
    const file = configFile({ cpus: 2, bootTimeoutMs: 5, signal: {}, vcpuCount: 2 });
    const { exitCode, stderr } = await cli(['run', '--config', file, '--', 'ls']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /has fields that no VM has: 'cpus', 'bootTimeoutMs', 'signal'\nhint: A VM has: /,
      ) as string,
    });
  });

  test.each([
    ['{\n"envVars": {"TOKEN": "hunter2"\n', /is not JSON/],
    ['hunter2', /is not JSON/],
    ['["hunter2"]', /expected an object/],
    ['null', /expected an object/],
    ['{"envVars": "TOKEN=hunter2"}', /envVars: expected an object/],
    ['{"envVars": {"A B=hunter2": "hunter2"}}', /envVars: expected names/],
    [`{"bootArgs": "${'x'.repeat(9_000_000)}"}`, /larger than 8 MiB/],
  ])('refuses %.30s without showing what it holds', async (text, reason) => {
    const { exitCode, stderr } = await cli(['create', '--config', configFile(text)]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(reason) as string,
    });
    expect(stderr).not.toContain('hunter2');
  });

  test('says that there is no such file', async () => {
    expect(await cli(['create', '--config', '/nowhere.json'])).toMatchObject({
      exitCode: 2,
      stderr: 'smolvm: --config: /nowhere.json cannot be read (ENOENT)\n',
    });
  });
});

describe('retained disks', () => {
  test('are in list --all, and go by delete', async () => {
    await cli(['create', 'box', '--retain-disk']);
    await cli(['create', 'other']);
    await cli(['delete', 'box']);
    expect((await cli(['list'])).stdout).not.toContain('box');
    expect((await cli(['list', '--all'])).stdout).toMatch(
      /\nother +created .*\nbox +retained +- +- +- +\d{4}-.*Z\n$/,
    );
    expect(await json(['list', '--all'])).toMatchObject({
      envelope: {
        data: {
          vms: [{ vmId: 'other', state: 'created' }],
          retained: [
            { vmId: 'box', state: 'retained', diskSizeMib: 1, retainedAt: expect.any(String) as string },
          ],
        },
      },
    });
    expect(await json(['delete', 'box', 'other'])).toMatchObject({
      exitCode: 0,
      envelope: { data: { deleted: ['box', 'other'] } },
    });
    expect(await json(['list', '--all'])).toMatchObject({ envelope: { data: { vms: [], retained: [] } } });
  });

  test('list --all has stopped, failed and damaged VMs too', async () => {
    for (const name of ['stopped', 'failed', 'broken']) await cli(['create', name]);
    const database = await openSqlDatabase(join(world().home, 'smolvm.db'));
    const set = database.prepare('UPDATE vms SET status = ? WHERE id = ?');
    set.run('{"state":"stopped"}', 'stopped');
    set.run('{"state":"failed","reason":"x"}', 'failed');
    set.run('no json', 'broken');
    database.close();
    expect((await cli(['list', '--all'])).stdout).toMatch(
      /\nstopped +stopped .*\nfailed +failed .*\nbroken +damaged .*\n$/,
    );
    expect(await json(['delete', '--all'])).toMatchObject({
      envelope: { data: { deleted: ['stopped', 'failed', 'broken'] } },
    });
  });
});

describe('delete --all', () => {
  test('deletes all VMs, and leaves retained disks', async () => {
    await cli(['create', 'kept', '--retain-disk']);
    await cli(['create', 'a']);
    expect(await cli(['delete', '--all', '--dry-run'])).toMatchObject({ exitCode: 0, stdout: 'kept\na\n' });
    expect(await json(['delete', '--all', '--dry-run'])).toMatchObject({
      envelope: { data: { wouldDelete: ['kept', 'a'] } },
    });
    expect(await SmolVM.list()).toHaveLength(2);
    expect(await json(['delete', '--all'])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'delete', data: { deleted: ['kept', 'a'] } },
    });
    expect(await json(['delete', '--all'])).toMatchObject({ envelope: { data: { deleted: [] } } });
    expect(await SmolVM.listRetained()).toMatchObject([{ vmId: 'kept' }]);
    await cli(['delete', 'kept']);
  });

  test('deletes none while one runs, unless that is forced', async () => {
    await cli(['create', 'idle']);
    await cli(['create', 'busy', '--start']);
    const error = {
      code: 'WRONG_STATE',
      message: 'not all VMs are stopped: busy; nothing was deleted',
      hint: 'Stop them first, or delete them as they are: smolvm delete --all --force',
      details: { vmIds: ['busy'] },
    };
    expect(await json(['delete', '--all'])).toMatchObject({ exitCode: 1, envelope: { ok: false, error } });
    expect(await cli(['delete', '--all', '--dry-run'])).toMatchObject({ exitCode: 1, stdout: '' });
    await cli(['pause', 'busy']);
    expect(await cli(['delete', '--all'])).toMatchObject({ exitCode: 1 });
    expect(await SmolVM.list()).toHaveLength(2);
    expect(await json(['delete', '--all', '--force'])).toMatchObject({
      exitCode: 0,
      envelope: { data: { deleted: ['idle', 'busy'] } },
    });
  });

  test('reports those that could not be deleted', async () => {
    for (const name of ['a', 'stuck', 'b']) await cli(['create', name]);
    const database = await openSqlDatabase(join(world().home, 'smolvm.db'));
    database.exec(
      `CREATE TRIGGER no BEFORE DELETE ON vms WHEN old.id = 'stuck' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    expect(await json(['delete', '--all'])).toMatchObject({
      exitCode: 1,
      envelope: {
        ok: false,
        error: {
          code: 'HOST_FAILED',
          message: '1 of 3 VMs were not deleted',
          details: { done: ['a', 'b'], failures: [{ vmId: 'stuck', code: 'HOST_FAILED' }] },
        },
      },
    });
    database.exec('DROP TRIGGER no');
    database.close();
    expect(await SmolVM.list()).toEqual([]);
  });
});
