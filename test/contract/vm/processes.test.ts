import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive, processRef } from '../../../src/base/process-ref.ts';
import { SmolVM, type VmInfo } from '../../../src/index.ts';
import { Child } from '../../support/child.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const launchesSoFar = (): number =>
  world()
    .qemu.calls()
    .filter((call) => call === 'launch').length;

/** The VM as another process sees it. */
async function infoIn(child: Child, vmId: string): Promise<VmInfo> {
  return (await child.call({ vmId, call: 'refresh' })).value as VmInfo;
}

describe('after kill -9 of its maker', () => {
  it('a created VM can be found, started and used', async () => {
    await using child = await Child.sdk();
    expect(await child.call({ call: 'create', args: [{ vmId: 'box' }] })).toEqual({ value: 'box' });
    await child.killHard();
    const vm = await SmolVM.fromId('box');
    await vm.start();
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
    await vm.delete();
    await vm.close();
  });

  it('a running VM goes on, and another process can use it at once', async () => {
    await using child = await Child.sdk();
    await child.call({ call: 'create', args: [{ vmId: 'box' }] });
    await child.call({ vmId: 'box', call: 'start' });
    child.send({ vmId: 'box', call: 'run', args: [['tail', '-f', '/dev/null']] });
    await child.killHard();
    const vm = await SmolVM.fromId('box');
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
    expect(launchesSoFar()).toBe(1);
    await vm.delete();
    await vm.close();
  });

  it('an ephemeral VM dies with it, and the next process removes it', async () => {
    await using child = await Child.sdk();
    const { value: vmId } = await child.call({ call: 'launch', args: [{}] });
    const { pid } = await infoIn(child, String(vmId));
    const vmm = processRef(pid ?? 0);
    expect(vmm).toBeDefined();
    await child.killHard();
    await expect.poll(() => vmm !== undefined && isAlive(vmm)).toBe(false);
    expect(await SmolVM.list()).toEqual([]);
    await expect(SmolVM.fromId(String(vmId))).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
  });

  it('a VM that it was starting is failed, has no stray VMM, and can be started', async () => {
    const gate = join(world().folder, 'gate');
    world().qemu.behave({ bootsWhenExists: gate });
    await using child = await Child.sdk();
    await child.call({ call: 'create', args: [{ vmId: 'box' }] });
    child.send({ vmId: 'box', call: 'start' });
    await expect.poll(launchesSoFar).toBe(1);
    await child.killHard();
    const vm = await SmolVM.fromId('box');
    expect(vm.info).toMatchObject({ state: 'failed', pid: null });
    writeFileSync(gate, '');
    await vm.start();
    expect((await vm.run(['true'])).ok).toBe(true);
    await vm.delete();
    await vm.close();
  });

  it('a VM that it was stopping is stopped by the next process', async () => {
    world().qemu.behave({ ignoresShutdown: true });
    await using child = await Child.sdk();
    await child.call({ call: 'create', args: [{ vmId: 'box' }] });
    await child.call({ vmId: 'box', call: 'start' });
    child.send({ vmId: 'box', call: 'stop', args: [{ timeoutMs: 60_000 }] });
    await using observer = await Child.sdk();
    const stateOf = async (): Promise<unknown> =>
      ((await observer.call({ call: 'list' })).value as { readonly state: string }[])[0]?.state;
    await expect.poll(stateOf).toBe('stopping');
    await child.killHard();
    expect(await SmolVM.list()).toMatchObject([{ vmId: 'box', state: 'stopped' }]);
    await SmolVM.deleteById('box');
  });
});

describe('several processes', () => {
  it('that start one VM at once: one does, the other learns that it is busy or already running', async () => {
    const gate = join(world().folder, 'gate');
    world().qemu.behave({ bootsWhenExists: gate });
    await using one = await Child.sdk();
    await using other = await Child.sdk();
    await one.call({ call: 'create', args: [{ vmId: 'box' }] });
    await other.call({ call: 'fromId', args: ['box'] });
    const starting = one.call({ vmId: 'box', call: 'start' });
    await expect.poll(launchesSoFar).toBe(1);
    const { error } = await other.call({ vmId: 'box', call: 'start' });
    expect(['BUSY', 'WRONG_STATE']).toContain(error?.code);
    writeFileSync(gate, '');
    expect(await starting).toEqual({ value: 'box' });
    expect(launchesSoFar()).toBe(1);
    await one.call({ vmId: 'box', call: 'delete' });
  });

  it('use one VM at the same time', async () => {
    await using one = await Child.sdk();
    await using other = await Child.sdk();
    await one.call({ call: 'create', args: [{ vmId: 'box' }] });
    await one.call({ vmId: 'box', call: 'start' });
    await other.call({ call: 'fromId', args: ['box'] });
    const children = [one, other];
    const outputs = await Promise.all(
      children.map((child, nth) => child.call({ vmId: 'box', call: 'run', args: [['echo', String(nth)]] })),
    );
    expect(outputs).toMatchObject([{ value: { stdout: '0\n' } }, { value: { stdout: '1\n' } }]);
    await other.call({ vmId: 'box', call: 'delete' });
    expect((await one.call({ vmId: 'box', call: 'run', args: [['ls']] })).error?.code).toBe('VM_NOT_FOUND');
  });

  it('that delete one VM at once all find it gone', async () => {
    const children = await Promise.all(Array.from({ length: 3 }, () => Child.sdk()));
    await children[0]?.call({ call: 'create', args: [{ vmId: 'box' }] });
    const answers = await Promise.all(
      children.map((child) => child.call({ call: 'deleteById', args: ['box'] })),
    );
    expect(answers.filter(({ error }) => error === undefined).length).toBeGreaterThan(0);
    for (const { error } of answers)
      expect(['none', 'VM_NOT_FOUND', 'BUSY']).toContain(error?.code ?? 'none');
    expect(await SmolVM.list()).toEqual([]);
    await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
  });

  it('make VMs with one id at once: one does', async () => {
    const children = await Promise.all(Array.from({ length: 4 }, () => Child.sdk()));
    const answers = await Promise.all(
      children.map((child) => child.call({ call: 'create', args: [{ vmId: 'box' }] })),
    );
    expect(answers.map(({ error }) => error?.code ?? 'ok').sort()).toEqual([
      ...Array.from({ length: 3 }, () => 'VM_ALREADY_EXISTS'),
      'ok',
    ]);
    await SmolVM.deleteById('box');
    await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
  });
});

describe('a program', () => {
  it('ends by itself, quietly, while VMs of it run', async () => {
    await using child = await Child.sdk();
    await child.call({ call: 'create', args: [{ vmId: 'box' }] });
    await child.call({ vmId: 'box', call: 'start' });
    await child.call({ vmId: 'box', call: 'run', args: [['true']] });
    expect(await child.finish()).toEqual({ exitCode: 0, stderr: '' });
    expect(await SmolVM.list()).toMatchObject([{ state: 'running' }]);
    await SmolVM.deleteById('box', { force: true });
  });

  it('that asks for the list again and again does not run out of descriptors', async () => {
    await using child = await Child.sdk({ maxDescriptors: 200 });
    for (let count = 0; count < 250; count += 1) {
      expect(await child.call({ call: 'list' })).toEqual({ value: [] });
    }
  });
});
