import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownProcessRef, type ProcessRef } from '../../../src/base/process-ref.ts';
import { SmolVM } from '../../../src/index.ts';
import type { VmStatus } from '../../../src/spec/vm-record.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { resolvedVm } from '../../support/resolved-vm.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const self = ownProcessRef();
const dead: ProcessRef = { ...self, startTicks: self.startTicks - 1 };
const rebooted: ProcessRef = { ...self, bootId: 'an earlier boot of the host' };

/** Leaves a VM as a process that died would, with its files. */
async function leave(status: VmStatus, owner: ProcessRef | null = null): Promise<void> {
  using store = await openSqliteStore(join(world().home, 'smolvm.db'));
  store.create({ ...resolvedVm('box'), owner }, status);
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

describe('a process that has been open since before', () => {
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
