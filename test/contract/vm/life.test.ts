import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
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

describe('a handle', () => {
  it('knows the folder of its VM, its state, and whether it takes commands', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    expect(vm.dataDir).toBe(join(world().home, 'vms/box'));
    expect(readdirSync(vm.dataDir)).toEqual(['disk.qcow2']);
    expect([vm.status, vm.canRunCommands()]).toEqual(['created', false]);
    await vm.start();
    expect([vm.status, vm.canRunCommands()]).toEqual(['running', true]);
    await vm.stop();
    expect([vm.status, vm.canRunCommands()]).toEqual(['stopped', false]);
    expect(vm.info).toMatchObject({
      diskMode: 'isolated',
      retainDiskOnDelete: false,
      bootArgs: 'console=ttyS0 reboot=k panic=1 pci=off',
    });
  });

  it('says that there is no address because there is no network', async () => {
    await using vm = await SmolVM.launch({ vmId: 'box' });
    expect(() => vm.getIp()).toThrow(
      expect.objectContaining({
        code: 'NETWORK_UNAVAILABLE',
        message: `VM 'box' has no network, so it has no address`,
        hint: expect.stringContaining('no network yet') as unknown,
      }),
    );
  });

  it('returns itself from start, so that calls can follow', async () => {
    await using vm = await SmolVM.create();
    expect((await (await vm.start()).run(['echo', 'hi'])).stdout).toBe('hi\n');
    expect(await vm.start()).toBe(vm);
  });
});

describe('the end of a scope', () => {
  /** What happened to the VM, one state after another. */
  function statesOf(vm: SmolVM): string[] {
    const states: string[] = [];
    for (const call of ['stop', 'delete', 'close'] as const) {
      const original = vm[call].bind(vm) as () => Promise<unknown>;
      Object.assign(vm, {
        [call]: async () => {
          states.push(call);
          return original();
        },
      });
    }
    return states;
  }

  it('stops, deletes and closes a VM that the handle made, once each in that order', async () => {
    const vm = await SmolVM.launch();
    const calls = statesOf(vm);
    await vm[Symbol.asyncDispose]();
    await vm[Symbol.asyncDispose]();
    expect(calls).toEqual(['stop', 'delete', 'close']);
    expect(await SmolVM.list()).toEqual([]);
  });

  it('stops and closes a VM that it was reconnected to, and leaves one alone that does not run', async () => {
    const made = await SmolVM.create({ vmId: 'box' });
    await made.start();
    await made.close();
    for (const expected of ['stopped', 'stopped']) {
      const vm = await SmolVM.fromId('box');
      const calls = statesOf(vm);
      await vm[Symbol.asyncDispose]();
      expect(calls).toEqual(['stop', 'close']);
      expect(await SmolVM.list()).toMatchObject([{ vmId: 'box', state: expected }]);
    }
    await SmolVM.deleteById('box');
  });

  it('is fine if the VM was deleted meanwhile, or the handle closed', async () => {
    const vm = await SmolVM.launch();
    await SmolVM.deleteById(vm.vmId, { force: true });
    await vm[Symbol.asyncDispose]();
    const closed = await SmolVM.create({ vmId: 'box' });
    await closed.close();
    await closed[Symbol.asyncDispose]();
    expect(await SmolVM.list()).toMatchObject([{ vmId: 'box' }]);
    await SmolVM.deleteById('box');
  });
});

describe('SmolVM.with', () => {
  it('gives a running VM, then what is made of it, and leaves nothing', async () => {
    const stdout = await SmolVM.with({ vmId: 'box' }, async (vm) => {
      expect(vm.status).toBe('running');
      return (await vm.run(['hostname'])).stdout;
    });
    expect(stdout).not.toBe('');
    expect(await SmolVM.list()).toEqual([]);
  });

  it('leaves nothing if its use fails, and passes that failure on', async () => {
    const failing = SmolVM.with({}, async (vm) => {
      await vm.delete();
      throw new Error('of the use');
    });
    await expect(failing).rejects.toThrow('of the use');
    expect(await SmolVM.list()).toEqual([]);
  });

  it('leaves nothing if the VM does not start', async () => {
    world().qemu.behave({ exitsAtOnce: { code: 1, stderr: '' } });
    const use = vi.fn();
    await expect(SmolVM.with({}, use)).rejects.toMatchObject({ code: 'LAUNCH_FAILED' });
    expect(use).not.toHaveBeenCalled();
    expect(await SmolVM.list()).toEqual([]);
  });
});

describe('a stop', () => {
  it.each(['does not listen', 'hangs with its VMM'])(
    'ends a guest that %s, within its time and a little, and clears pid and sockets',
    async (what) => {
      world().qemu.behave({ ignoresShutdown: true });
      await using vm = await SmolVM.create();
      await vm.start();
      if (what.startsWith('hangs')) process.kill(vm.info.pid ?? 0, 'SIGSTOP');
      const startedAt = performance.now();
      expect(await vm.stop({ timeoutMs: 300 })).toBe('forced');
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      expect(vm.info).toMatchObject({ state: 'stopped', pid: null });
      expect(
        readdirSync(world().run, { recursive: true, encoding: 'utf8' }).some((name) =>
          name.includes('agent'),
        ),
      ).toBe(false);
    },
  );
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
