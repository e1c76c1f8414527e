import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { inspectOverlay } from '../../../src/disk/overlay-file.ts';
import { SmolVM, type VmOptions } from '../../../src/index.ts';
import { openSqlDatabase } from '../../../src/store/sql-database.ts';
import { Child } from '../../support/child.ts';
import { withWorld } from '../../support/world.ts';

const MIB = 1024 * 1024;
const world = withWorld();
let rootfsPath = '';

beforeEach(() => {
  rootfsPath = join(world().folder, 'root.ext4');
  writeFileSync(rootfsPath, Buffer.alloc(2 * MIB));
});

const folderOf = (vmId: string): string => join(world().home, 'vms', vmId);
const diskOf = (vmId: string): string => join(folderOf(vmId), 'disk.qcow2');
const markerOf = (vmId: string): string => join(folderOf(vmId), 'retained.json');

/** The size that the guest sees. */
function sizeOf(vmId: string): number {
  const state = inspectOverlay(diskOf(vmId));
  return state.isSound ? state.sizeBytes : -1;
}

async function createAndDelete(options: VmOptions): Promise<void> {
  const vm = await SmolVM.create(options);
  await vm.delete();
  await vm.close();
}

/** Leaves a retained disk of the VM `box` that can be told from a new one. */
async function retain(options: VmOptions = {}): Promise<Buffer> {
  const vm = await SmolVM.create({ vmId: 'box', rootfsPath, retainDiskOnDelete: true, ...options });
  writeFileSync(diskOf('box'), 'what the guest wrote', { flag: 'a' });
  await vm.delete();
  await vm.close();
  return readFileSync(diskOf('box'));
}

describe('an isolated disk', () => {
  it('goes with its VM, and the image stays as it was', async () => {
    const image = readFileSync(rootfsPath);
    await using vm = await SmolVM.create({ vmId: 'box', rootfsPath });
    await vm.start();
    await vm.delete();
    expect(existsSync(folderOf('box'))).toBe(false);
    expect(readFileSync(rootfsPath).equals(image)).toBe(true);
  });

  it('has the size of its image, or a larger one that was asked for', async () => {
    await using usual = await SmolVM.create({ vmId: 'usual', rootfsPath });
    await using large = await SmolVM.create({ vmId: 'large', rootfsPath, diskSizeMib: 5_000 });
    expect([usual.info.diskSizeMib, sizeOf('usual')]).toEqual([2, 2 * MIB]);
    expect([large.info.diskSizeMib, sizeOf('large')]).toEqual([5_000, 5_000 * MIB]);
    expect(statSync(diskOf('large')).blocks * 512).toBeLessThan(MIB);
    await large.start();
    expect((await large.run(['true'])).ok).toBe(true);
  });

  it('is never smaller than its image: the error names both sizes, and nothing is made', async () => {
    await expect(SmolVM.create({ vmId: 'box', rootfsPath, diskSizeMib: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/1 MiB were asked for, the image .* has 2 MiB/) as unknown,
    });
    expect(await SmolVM.list()).toEqual([]);
  });

  it.each([
    ['was removed', (path: string) => rmSync(path), 'there is no disk'],
    ['was damaged', (path: string) => writeFileSync(path, 'x'), 'is not a disk of smolvm'],
    ['was cut off', (path: string) => truncateSync(path, 150_000), 'is cut off'],
  ])('that %s is told at the start, and the VM starts once it is back', async (_what, harm, reason) => {
    await using vm = await SmolVM.create({ vmId: 'box', rootfsPath });
    const disk = readFileSync(diskOf('box'));
    harm(diskOf('box'));
    await expect(vm.start()).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining(reason) as unknown,
      hint: expect.stringContaining('smolvm delete box') as unknown,
    });
    expect(vm.info).toMatchObject({ state: 'failed', pid: null });
    writeFileSync(diskOf('box'), disk);
    await vm.start();
    expect((await vm.run(['true'])).ok).toBe(true);
  });

  it('whose image was changed is not used', async () => {
    await using vm = await SmolVM.create({ vmId: 'box', rootfsPath });
    const { atime, mtime } = statSync(rootfsPath);
    writeFileSync(rootfsPath, Buffer.alloc(2 * MIB, 1));
    await expect(vm.start()).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('has changed since') as unknown,
    });
    utimesSync(rootfsPath, atime, mtime);
  });
});

describe('a retained disk', () => {
  it('stays when its VM is deleted, with a marker and nothing else', async () => {
    await retain({ envVars: { A: '1' } });
    expect(readdirSync(folderOf('box')).sort()).toEqual(['disk.qcow2', 'retained.json']);
    expect(statSync(markerOf('box')).mode & 0o777).toBe(0o600);
    expect(await SmolVM.list()).toEqual([]);
    expect(await SmolVM.listRetained()).toEqual([
      {
        vmId: 'box',
        state: 'retained',
        diskSizeMib: 2,
        rootfsPath,
        retainedAt: expect.stringMatching(/^\d{4}-/) as unknown,
      },
    ]);
    await expect(SmolVM.fromId('box')).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
    await SmolVM.deleteById('box');
  });

  it('is the disk of the next VM of its id, and goes with that unless it is to be retained again', async () => {
    const disk = await retain();
    await using vm = await SmolVM.create({ vmId: 'box', rootfsPath });
    expect(readFileSync(diskOf('box')).equals(disk)).toBe(true);
    expect(await SmolVM.listRetained()).toEqual([]);
    await vm.start();
    expect(existsSync(markerOf('box'))).toBe(false);
    await vm.delete();
    expect(existsSync(folderOf('box'))).toBe(false);
  });

  it('stays when a VM is deleted that was running, which is stopped first', async () => {
    await using vm = await SmolVM.create({ vmId: 'box', rootfsPath, retainDiskOnDelete: true });
    await vm.start();
    await expect(SmolVM.deleteById('box')).rejects.toMatchObject({ code: 'WRONG_STATE' });
    await vm.delete();
    expect(readdirSync(folderOf('box')).sort()).toEqual(['disk.qcow2', 'retained.json']);
    await SmolVM.deleteById('box');
  });

  it('is removed by the deletion of its id, and is then not found', async () => {
    await retain();
    await SmolVM.deleteById('box');
    expect(existsSync(folderOf('box'))).toBe(false);
    expect(await SmolVM.listRetained()).toEqual([]);
    await expect(SmolVM.deleteById('box')).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
  });

  it('is grown by the next VM at its first start, and never shrinks', async () => {
    await retain({ diskSizeMib: 4 });
    await expect(SmolVM.create({ vmId: 'box', rootfsPath, diskSizeMib: 3 })).rejects.toThrow(
      '3 MiB were asked for, the retained disk has 4 MiB',
    );
    await createAndDelete({ vmId: 'box', rootfsPath, retainDiskOnDelete: true });
    expect(sizeOf('box')).toBe(4 * MIB);
    await using vm = await SmolVM.create({ vmId: 'box', rootfsPath, diskSizeMib: 3_000 });
    expect([vm.info.diskSizeMib, sizeOf('box')]).toEqual([3_000, 4 * MIB]);
    await vm.start();
    expect(sizeOf('box')).toBe(3_000 * MIB);
    await vm.stop();
    await vm.start();
    expect(sizeOf('box')).toBe(3_000 * MIB);
  });

  it.each([
    ['whose image was changed', () => utimesSync(rootfsPath, 1, 1), 'has changed since'],
    ['that is damaged', () => writeFileSync(diskOf('box'), 'x'), 'is not a disk of smolvm'],
    ['that is gone', () => rmSync(diskOf('box')), 'there is no disk'],
    ['whose marker is cut off', () => truncateSync(markerOf('box'), 20), 'its marker'],
    ['whose marker is of another VM', () => swapId(), 'its marker'],
    [
      'that is smaller than its marker says',
      () => swap('"sizeBytes":2097152', '"sizeBytes":9097152'),
      'is smaller',
    ],
  ])('%s is refused with the cure, and is left as it is', async (_what, harm, reason) => {
    await retain();
    harm();
    const before = readdirSync(folderOf('box')).sort();
    await expect(SmolVM.create({ vmId: 'box', rootfsPath })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining(reason) as unknown,
      hint: expect.stringContaining('smolvm delete box') as unknown,
    });
    expect(readdirSync(folderOf('box')).sort()).toEqual(before);
    expect(await SmolVM.list()).toEqual([]);
    expect(await SmolVM.listRetained()).toMatchObject([{ vmId: 'box', state: 'retained' }]);
    await SmolVM.deleteById('box');
  });

  function swap(from: string, to: string): void {
    writeFileSync(markerOf('box'), readFileSync(markerOf('box'), 'utf8').replace(from, to));
  }
  function swapId(): void {
    swap('"vmId":"box"', '"vmId":"other"');
  }

  it('of another image is refused with the name of the right one', async () => {
    await retain();
    await expect(SmolVM.create({ vmId: 'box' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      hint: expect.stringContaining(`rootfsPath ${rootfsPath}`) as unknown,
    });
    await expect(SmolVM.create({ vmId: 'box', rootfsPath, diskMode: 'shared' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    });
    await SmolVM.deleteById('box');
  });

  it('is neither changed nor removed when the creation fails at its end', async () => {
    const disk = await retain();
    const database = await openSqlDatabase(join(world().home, 'smolvm.db'));
    database.exec(`CREATE TRIGGER no BEFORE UPDATE ON vms BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const creating = SmolVM.create({ vmId: 'box', rootfsPath, diskSizeMib: 100, envVars: { A: '1' } });
    await expect(creating).rejects.toMatchObject({ code: 'HOST_FAILED' });
    await expect(SmolVM.create({ vmId: 'new', rootfsPath })).rejects.toMatchObject({ code: 'HOST_FAILED' });
    database.exec('DROP TRIGGER no');
    database.close();
    expect(readFileSync(diskOf('box')).equals(disk)).toBe(true);
    expect(readdirSync(folderOf('box')).sort()).toEqual(['disk.qcow2', 'retained.json']);
    expect(readdirSync(join(world().home, 'vms'))).toEqual(['box']);
    expect(await SmolVM.list()).toEqual([]);
    await SmolVM.deleteById('box');
  });

  it('stays when the VM that was launched with it does not boot', async () => {
    const disk = await retain();
    world().qemu.behave({ exitsAtOnce: { code: 1, stderr: '' } });
    await expect(SmolVM.launch({ vmId: 'box', rootfsPath })).rejects.toMatchObject({ code: 'LAUNCH_FAILED' });
    await expect(SmolVM.launch({ vmId: 'other', rootfsPath })).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
    });
    expect(await SmolVM.list()).toEqual([]);
    expect(await SmolVM.listRetained()).toMatchObject([{ vmId: 'box' }]);
    expect(readFileSync(diskOf('box')).equals(disk)).toBe(true);
    await SmolVM.deleteById('box');
  });

  it('of a VM that is created again is not touched by a creation of the taken id', async () => {
    const disk = await retain();
    await using vm = await SmolVM.create({ vmId: 'box', rootfsPath });
    await expect(SmolVM.create({ vmId: 'box', rootfsPath, diskSizeMib: 100 })).rejects.toMatchObject({
      code: 'VM_ALREADY_EXISTS',
      vmId: vm.vmId,
    });
    expect(readFileSync(diskOf('box')).equals(disk)).toBe(true);
  });

  it('of a VM that dies with its owner stays too, when that is killed', async () => {
    const child = await Child.sdk();
    const options = { vmId: 'box', rootfsPath, retainDiskOnDelete: true };
    await child.call({ call: 'launch', args: [options] });
    await child.killHard();
    expect(await SmolVM.list()).toEqual([]);
    expect(await SmolVM.listRetained()).toMatchObject([{ vmId: 'box' }]);
    expect(existsSync(diskOf('box'))).toBe(true);
    await SmolVM.deleteById('box');
  });

  it('is no folder that has no marker', async () => {
    mkdirSync(join(world().home, 'vms'), { mode: 0o700, recursive: true });
    mkdirSync(folderOf('box'), { mode: 0o700 });
    writeFileSync(diskOf('box'), 'a leftover');
    await expect(SmolVM.create({ vmId: 'box', rootfsPath })).rejects.toMatchObject({ code: 'HOST_FAILED' });
    await expect(SmolVM.deleteById('box')).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
    expect(await SmolVM.listRetained()).toEqual([]);
    expect(readFileSync(diskOf('box'), 'utf8')).toBe('a leftover');
    rmSync(folderOf('box'), { recursive: true });
  });
});

describe('a shared disk', () => {
  it('is the image itself, which is neither copied nor removed nor resized', async () => {
    const image = readFileSync(rootfsPath);
    await using vm = await SmolVM.create({
      vmId: 'box',
      rootfsPath,
      diskMode: 'shared',
      retainDiskOnDelete: true,
    });
    expect(vm.info).toMatchObject({ diskMode: 'shared', diskSizeMib: 2, rootfsPath });
    await vm.start();
    expect(readdirSync(folderOf('box'))).toEqual([]);
    const argv = readFileSync(`/proc/${String(vm.info.pid)}/cmdline`, 'utf8').split('\0');
    const blockdev = JSON.parse(argv[argv.indexOf('-blockdev') + 1] ?? '') as unknown;
    expect(blockdev).toMatchObject({ driver: 'raw', file: { filename: rootfsPath } });
    await vm.delete();
    expect(readFileSync(rootfsPath).equals(image)).toBe(true);
    expect(existsSync(folderOf('box'))).toBe(false);
  });

  it('is used by one VM at a time: a second start is told who has it, also through a link', async () => {
    symlinkSync(rootfsPath, join(world().folder, 'link'));
    await using one = await SmolVM.create({ vmId: 'one', rootfsPath, diskMode: 'shared' });
    const path = join(world().folder, 'link');
    await using other = await SmolVM.create({ vmId: 'other', rootfsPath: path, diskMode: 'shared' });
    await one.start();
    const busy = {
      code: 'BUSY',
      message: expect.stringContaining(`VM 'one' is using`) as unknown,
      hint: 'Stop it first: smolvm stop one',
      details: { vmId: 'other', usedBy: 'one', path },
    };
    await expect(other.start()).rejects.toMatchObject(busy);
    expect(other.status).toBe('created');
    await one.stop();
    await other.start();
    await expect(one.start()).rejects.toMatchObject({ code: 'BUSY', details: { usedBy: 'other' } });
  });

  it('of a VM that died is free', async () => {
    await using one = await SmolVM.create({ vmId: 'one', rootfsPath, diskMode: 'shared' });
    await using other = await SmolVM.create({ vmId: 'other', rootfsPath, diskMode: 'shared' });
    await one.start();
    process.kill(one.info.pid ?? 0, 'SIGKILL');
    await expect.poll(async () => (await one.refresh()).state).toBe('stopped');
    await other.start();
  });

  it('that two processes start at once is had by one of them', async () => {
    await using one = await Child.sdk();
    await using other = await Child.sdk();
    const children = [one, other];
    for (const [nth, child] of children.entries())
      await child.call({ call: 'create', args: [{ vmId: `vm-${nth}`, rootfsPath, diskMode: 'shared' }] });
    const starts = await Promise.all(
      children.map((child, nth) => child.call({ vmId: `vm-${nth}`, call: 'start' })),
    );
    expect(starts.map(({ error }) => error?.code ?? 'ok').sort()).toEqual(['BUSY', 'ok']);
    for (const nth of [0, 1]) await SmolVM.deleteById(`vm-${nth}`, { force: true });
  });

  it('is not written while the disk of another VM, or a retained one, lies over it', async () => {
    await using shared = await SmolVM.create({ vmId: 'shared', rootfsPath, diskMode: 'shared' });
    {
      await using above = await SmolVM.create({ vmId: 'above', rootfsPath, retainDiskOnDelete: true });
      await expect(shared.start()).rejects.toMatchObject({ code: 'BUSY', details: { usedBy: above.vmId } });
    }
    await expect(shared.start()).rejects.toMatchObject({ code: 'BUSY', details: { usedBy: 'above' } });
    await SmolVM.deleteById('above');
    await shared.start();
    await expect(SmolVM.create({ rootfsPath })).rejects.toMatchObject({ code: 'BUSY' });
  });

  it('is never an image of smolvm', async () => {
    await using vm = await SmolVM.create();
    await expect(SmolVM.create({ rootfsPath: vm.info.rootfsPath, diskMode: 'shared' })).rejects.toMatchObject(
      {
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('never written') as unknown,
      },
    );
  });
});
