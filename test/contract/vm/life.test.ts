import { describe, expect, it } from 'vitest';
import { SmolVM } from '../../../src/index.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const launches = (): number =>
  world()
    .qemu.calls()
    .filter((call) => call === 'launch').length;

describe('a VM', () => {
  it('is made, started, used, stopped, started again and deleted', async () => {
    await using vm = await SmolVM.create({ vmId: 'box', memSizeMib: 256 });
    expect(vm.info).toMatchObject({
      vmId: 'box',
      state: 'created',
      memSizeMib: 256,
      vcpuCount: 2,
      diskSizeMib: 1,
      pid: null,
      ephemeral: false,
    });
    await vm.start();
    expect(vm.info.pid).toBeGreaterThan(1);
    expect(await vm.run(['echo', 'hi'])).toMatchObject({ ok: true, stdout: 'hi\n', stderr: '' });
    expect(await vm.stop()).toBe('graceful');
    expect(vm.info).toMatchObject({ state: 'stopped', pid: null });
    await vm.start();
    expect(await vm.run('exit 7')).toMatchObject({ ok: false, exitCode: 7 });
    await vm.delete();
    expect(await SmolVM.list()).toEqual([]);
    expect(launches()).toBe(2);
    await expect(vm.start()).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
    expect(() => vm.info).toThrow(expect.objectContaining({ code: 'VM_NOT_FOUND' }));
  });

  it('of launch runs at once and is gone when its scope is left', async () => {
    let id = '';
    {
      await using vm = await SmolVM.launch();
      id = vm.vmId;
      expect(vm.info).toMatchObject({ state: 'running', ephemeral: true });
      expect(vm.timings?.steps.map(({ name }) => name)).toEqual(['probe', 'spawn', 'vmm', 'guest', 'ready']);
    }
    await expect(SmolVM.fromId(id)).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
  });

  it('that runs is left as it is by another start, and a stopped one by another stop', async () => {
    await using vm = await SmolVM.create();
    expect(await vm.stop()).toBe('wasNotRunning');
    await vm.start();
    const { pid } = vm.info;
    await vm.start();
    expect(vm.info.pid).toBe(pid);
    expect(launches()).toBe(1);
    expect(await vm.stop()).toBe('graceful');
    expect(await vm.stop()).toBe('wasNotRunning');
  });

  it('goes on when its handle is closed, and can be found again by its id', async () => {
    const first = await SmolVM.create({ vmId: 'box' });
    await first.start();
    await first.close();
    await first.close();
    await expect(first.run(['true'])).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect(await SmolVM.list()).toMatchObject([{ vmId: 'box', state: 'running' }]);
    {
      await using again = await SmolVM.fromId('box');
      expect((await again.run(['echo', 'still here'])).stdout).toBe('still here\n');
    }
    expect(await SmolVM.list()).toMatchObject([{ vmId: 'box', state: 'stopped' }]);
    await SmolVM.deleteById('box');
  });

  it('is deleted while it runs, without asking the guest', async () => {
    world().qemu.behave({ ignoresShutdown: true });
    const vm = await SmolVM.create({ vmId: 'box' });
    await vm.start();
    await vm.delete();
    await vm.close();
    expect(await SmolVM.list()).toEqual([]);
  });

  it('that runs is not deleted by its id alone, unless that is forced', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    await vm.start();
    await expect(SmolVM.deleteById('box')).rejects.toMatchObject({
      code: 'WRONG_STATE',
      hint: expect.stringContaining('smolvm stop box') as unknown,
    });
    expect((await vm.run(['true'])).ok).toBe(true);
    await SmolVM.deleteById('box', { force: true });
    expect(await SmolVM.list()).toEqual([]);
  });

  it('that does not power off in time is ended by force', async () => {
    world().qemu.behave({ ignoresShutdown: true });
    await using vm = await SmolVM.launch();
    expect(await vm.stop({ timeoutMs: 50 })).toBe('forced');
    expect(vm.status).toBe('stopped');
  });

  it('whose VMM was killed is seen as stopped by the next look at it', async () => {
    await using vm = await SmolVM.create();
    await vm.start();
    process.kill(vm.info.pid ?? 0, 'SIGKILL');
    await expect.poll(async () => (await vm.refresh()).state).toBe('stopped');
    await vm.start();
    expect((await vm.run(['true'])).ok).toBe(true);
  });

  it('keeps what its guest wrote to the console, with and without a running guest', async () => {
    world().qemu.behave({ console: 'Linux version 9\nready\n' });
    await using vm = await SmolVM.create();
    await vm.start();
    expect(Buffer.from(await vm.readConsole()).toString()).toBe('Linux version 9\nready\n');
    expect(Buffer.from(await vm.readConsole()).toString()).toBe('Linux version 9\nready\n');
    await vm.stop();
    expect(Buffer.from(await vm.readConsole()).toString()).toBe('Linux version 9\nready\n');
  });
});

describe('the list', () => {
  it('has all VMs in the order in which they were made', async () => {
    expect(await SmolVM.list()).toEqual([]);
    await using a = await SmolVM.create({ vmId: 'zz' });
    await using b = await SmolVM.create({ vmId: 'aa' });
    expect((await SmolVM.list()).map(({ vmId }) => vmId)).toEqual([a.vmId, b.vmId]);
  });
});

describe('an id', () => {
  it('that is taken is refused, and the VM that has it is not touched', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    const { info } = vm;
    await expect(SmolVM.create({ vmId: 'box', vcpuCount: 7 })).rejects.toMatchObject({
      code: 'VM_ALREADY_EXISTS',
      vmId: 'box',
    });
    expect(vm.info).toEqual(info);
  });

  it.each(['', 'VM1', '-a', '../x', 'x'.repeat(65)])(
    'that is malformed is refused before anything is done: %j',
    async (id) => {
      await expect(SmolVM.create({ vmId: id })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(SmolVM.fromId(id)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(SmolVM.deleteById(id)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  it('that nobody has is not found', async () => {
    await expect(SmolVM.fromId('nobody')).rejects.toMatchObject({ code: 'VM_NOT_FOUND', vmId: 'nobody' });
    await expect(SmolVM.deleteById('nobody')).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
  });
});
