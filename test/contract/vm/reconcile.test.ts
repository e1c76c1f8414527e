import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownProcessRef, type ProcessRef } from '../../../src/base/process-ref.ts';
import { SmolVM } from '../../../src/index.ts';
import type { ResolvedVm, VmStatus } from '../../../src/spec/vm-record.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { resolvedVm } from '../../support/resolved-vm.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const self = ownProcessRef();
const dead: ProcessRef = { ...self, startTicks: self.startTicks - 1 };
const rebooted: ProcessRef = { ...self, bootId: 'an earlier boot of the host' };

/** Leaves a VM as a process that died would, with its files. */
async function leave(
  status: VmStatus,
  owner: ProcessRef | null = null,
  vm: ResolvedVm = resolvedVm('box'),
): Promise<void> {
  using store = await openSqliteStore(join(world().home, 'smolvm.db'));
  store.create({ ...vm, owner }, status);
  mkdirSync(join(world().home, 'vms'), { mode: 0o700, recursive: true });
  mkdirSync(join(world().home, 'vms/box'), { mode: 0o700 });
  writeFileSync(join(world().home, 'vms/box/disk.qcow2'), 'half a disk');
}

async function stateNow(): Promise<string> {
  return (await SmolVM.list())[0]?.state ?? 'gone';
}

const filesAreThere = (): boolean => existsSync(join(world().home, 'vms/box'));

describe('what a dead process left half done is put right by the next one:', () => {
  it.each<readonly [string, VmStatus, string]>([
    ['creating', { state: 'creating', by: dead }, 'gone'],
    ['deleting', { state: 'deleting', by: dead }, 'gone'],
    ['starting', { state: 'starting', by: dead }, 'failed'],
    ['stopping', { state: 'stopping', by: dead, vmm: dead }, 'stopped'],
    ['paused, of a VMM that is gone', { state: 'paused', vmm: dead }, 'stopped'],
    ['running, of a VMM that is gone', { state: 'running', vmm: dead }, 'stopped'],
    ['running, before the host was rebooted', { state: 'running', vmm: rebooted }, 'stopped'],
    ['created', { state: 'created' }, 'created'],
    ['stopped', { state: 'stopped' }, 'stopped'],
    ['failed', { state: 'failed', reason: 'x' }, 'failed'],
  ])('%s', async (_what, status, expected) => {
    await leave(status);
    expect(await stateNow()).toBe(expected);
    expect(await stateNow()).toBe(expected);
    expect(filesAreThere()).toBe(expected !== 'gone');
    if (expected !== 'gone') await SmolVM.deleteById('box');
  });

  it.each<readonly [string, VmStatus]>([
    ['creating', { state: 'creating', by: dead }],
    ['created', { state: 'created' }],
    ['starting', { state: 'starting', by: dead }],
    ['running', { state: 'running', vmm: dead }],
    ['paused', { state: 'paused', vmm: dead }],
    ['stopping', { state: 'stopping', by: dead, vmm: dead }],
    ['stopped', { state: 'stopped' }],
    ['failed', { state: 'failed', reason: 'x' }],
    ['deleting', { state: 'deleting', by: dead }],
  ])('a VM whose owner is dead goes, whatever its state: %s', async (_state, status) => {
    await leave(status, dead);
    expect(await stateNow()).toBe('gone');
    expect(filesAreThere()).toBe(false);
  });
});

describe('a retained disk, whose VM was being made or deleted by a process that died,', () => {
  const marker = (): string => join(world().home, 'vms/box/retained.json');
  const retained = { ...resolvedVm('box'), retainDiskOnDelete: true };

  interface Case {
    readonly what: string;
    readonly status: VmStatus;
    readonly isToBeKept: boolean;
    readonly isMarked: boolean;
    readonly stays: boolean;
  }
  const creating: VmStatus = { state: 'creating', by: dead };
  const deleting: VmStatus = { state: 'deleting', by: dead };
  it.each<Case>([
    { what: 'stays: it was there before', status: creating, isToBeKept: false, isMarked: true, stays: true },
    { what: 'stays: a repair was cut off', status: deleting, isToBeKept: false, isMarked: true, stays: true },
    {
      what: 'goes: it was not there before',
      status: creating,
      isToBeKept: true,
      isMarked: false,
      stays: false,
    },
    { what: 'stays: it had no marker yet', status: deleting, isToBeKept: true, isMarked: false, stays: true },
    { what: 'stays: it had its marker', status: deleting, isToBeKept: true, isMarked: true, stays: true },
    { what: 'goes: it was not to stay', status: deleting, isToBeKept: false, isMarked: false, stays: false },
  ])('$what', async ({ status, isToBeKept, isMarked, stays }) => {
    await leave(status, null, { ...retained, retainDiskOnDelete: isToBeKept });
    if (isMarked) writeFileSync(marker(), '{}');
    writeFileSync(join(world().home, 'vms/box/env.json'), '{}');
    expect(await stateNow()).toBe('gone');
    expect(filesAreThere()).toBe(stays);
    if (stays)
      expect(readdirSync(join(world().home, 'vms/box')).sort()).toEqual(['disk.qcow2', 'retained.json']);
    if (stays) await SmolVM.deleteById('box');
  });
});

describe('a process that has been open since before', () => {
  it.each<VmStatus>([
    { state: 'stopping', by: dead, vmm: dead },
    { state: 'starting', by: dead },
    { state: 'deleting', by: dead },
    { state: 'creating', by: dead },
    { state: 'running', vmm: dead },
  ])('deletes a VM that died with its operator: $state', async (status) => {
    await using keepOpen = await SmolVM.create({ vmId: 'other' });
    await leave(status);
    await SmolVM.deleteById('box');
    expect(filesAreThere()).toBe(false);
    expect(await SmolVM.list()).toMatchObject([{ vmId: keepOpen.vmId }]);
  });

  it('does not delete a VM that a live process is making, starting or stopping', async () => {
    for (const state of ['creating', 'starting'] as const) {
      await leave({ state, by: self });
      await expect(SmolVM.deleteById('box', { force: true })).rejects.toMatchObject({
        code: 'BUSY',
        details: { vmId: 'box', state, pid: self.pid },
      });
      await forget();
    }
  });

  it('stops a VM whose stopper has died meanwhile', async () => {
    const keepOpen = await SmolVM.create({ vmId: 'other' });
    await leave({ state: 'stopping', by: dead, vmm: dead });
    const vm = await SmolVM.fromId('box');
    expect(await vm.stop()).toBe('wasNotRunning');
    expect(vm.status).toBe('stopped');
    await vm.delete();
    await vm.close();
    await keepOpen.delete();
    await keepOpen.close();
  });
});

/** Takes the VM away with all that is its. */
async function forget(): Promise<void> {
  using store = await openSqliteStore(join(world().home, 'smolvm.db'));
  const record = store.find('box');
  if (record !== undefined) store.remove(record);
  rmSync(join(world().home, 'vms/box'), { recursive: true });
}

describe('what a live process is doing', () => {
  it.each<VmStatus>([
    { state: 'creating', by: self },
    { state: 'starting', by: self },
    { state: 'deleting', by: self },
    { state: 'stopping', by: self, vmm: dead },
  ])('is left to it: $state', async (status) => {
    await leave(status, dead);
    expect(await stateNow()).toBe(status.state);
    expect(filesAreThere()).toBe(true);
    await handOver();
    expect(await stateNow()).toBe('gone');
  });

  /** Lets the next look at the VM find that its worker has died. */
  async function handOver(): Promise<void> {
    using store = await openSqliteStore(join(world().home, 'smolvm.db'));
    const record = store.find('box');
    if (record !== undefined) store.remove(record);
    store.create({ ...resolvedVm('box'), owner: dead }, { state: 'deleting', by: dead });
  }
});
