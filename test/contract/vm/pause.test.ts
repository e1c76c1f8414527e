import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SmolVM } from '../../../src/index.ts';
import { Child } from '../../support/child.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();

const refusal = {
  code: 'COMMAND_UNAVAILABLE',
  message: `VM 'box' is paused, commands need a running VM`,
  hint: 'Let it go on: smolvm resume box',
  details: { vmId: 'box', state: 'paused' },
};

describe('a paused VM', () => {
  it('takes commands again once it is resumed, and keeps its process', async () => {
    await using vm = await SmolVM.launch({ vmId: 'box' });
    const { pid } = vm.info;
    expect(await vm.pause()).toBe(vm);
    expect(vm.info).toMatchObject({ state: 'paused', pid });
    expect(await SmolVM.list()).toMatchObject([{ state: 'paused' }]);
    expect(await vm.resume()).toBe(vm);
    expect(vm.info).toMatchObject({ state: 'running', pid });
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
  });

  it('refuses commands, with and without a session, and says how to let it go on', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    await vm.start();
    await vm.run(['true']);
    await vm.pause();
    expect(vm.canRunCommands()).toBe(false);
    await expect(vm.run(['true'])).rejects.toMatchObject(refusal);
    await using other = await Child.sdk();
    await other.call({ call: 'fromId', args: ['box'] });
    const { error } = await other.call({ vmId: 'box', call: 'run', args: [['true']] });
    expect(error).toMatchObject({ code: refusal.code, message: refusal.message, hint: refusal.hint });
    await vm.resume();
    expect(vm.canRunCommands()).toBe(true);
  });

  it('keeps the commands that run, which go on with it', async () => {
    await using vm = await SmolVM.launch();
    const [go, begun] = [join(world().folder, 'go'), join(world().folder, 'begun')];
    const running = vm.run(`touch ${begun}; while [ ! -e ${go} ]; do sleep 0.01; done; echo done`);
    await expect.poll(() => existsSync(begun)).toBe(true);
    await vm.pause();
    writeFileSync(go, '');
    const first = await Promise.race([
      running,
      new Promise((resolve) => setTimeout(resolve, 200, 'nothing')),
    ]);
    expect(first).toBe('nothing');
    await vm.resume();
    expect((await running).stdout).toBe('done\n');
  });

  it('is left as it is by another pause, a running one by another resume', async () => {
    await using vm = await SmolVM.launch();
    await vm.resume();
    expect(vm.status).toBe('running');
    await vm.pause();
    await vm.pause();
    expect(vm.status).toBe('paused');
  });

  it('goes on with start, which starts nothing', async () => {
    await using vm = await SmolVM.create();
    await vm.start();
    await vm.pause();
    expect(await vm.start()).toBe(vm);
    expect(vm.status).toBe('running');
    expect(
      world()
        .qemu.calls()
        .filter((call) => call === 'launch'),
    ).toHaveLength(1);
  });

  it('can be paused and resumed from other processes', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    await vm.start();
    await using one = await Child.sdk();
    await using other = await Child.sdk();
    for (const child of [one, other]) await child.call({ call: 'fromId', args: ['box'] });
    expect(await one.call({ vmId: 'box', call: 'pause' })).toEqual({ value: 'box' });
    await expect(vm.run(['true'])).rejects.toMatchObject(refusal);
    expect(await other.call({ vmId: 'box', call: 'resume' })).toEqual({ value: 'box' });
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
  });

  it('that is paused and resumed at once ends as its record says', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    await vm.start();
    await using one = await Child.sdk();
    await using other = await Child.sdk();
    for (const child of [one, other]) await child.call({ call: 'fromId', args: ['box'] });
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([
        one.call({ vmId: 'box', call: 'pause' }),
        other.call({ vmId: 'box', call: 'resume' }),
      ]);
      if (vm.status === 'paused') await vm.resume();
      expect((await vm.run(['true'], { timeoutMs: 10_000 })).ok).toBe(true);
    }
  });

  it.each([null, 'owner'])('is stopped gracefully (%s)', async (owner) => {
    await using vm = owner === null ? await SmolVM.create() : await SmolVM.launch();
    await vm.start();
    await vm.pause();
    expect(await vm.stop()).toBe('graceful');
    expect(vm.info).toMatchObject({ state: 'stopped', pid: null });
  });

  it('is deleted by force only, and is seen as stopped once its VMM has died', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    await vm.start();
    await vm.pause();
    await expect(SmolVM.deleteById('box')).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: `VM 'box' is paused`,
    });
    process.kill(vm.info.pid ?? 0, 'SIGKILL');
    await expect.poll(async () => (await vm.refresh()).state).toBe('stopped');
    await vm.start();
    await vm.pause();
    await SmolVM.deleteById('box', { force: true });
  });

  it('shows its console', async () => {
    world().qemu.behave({ console: 'boot\n' });
    await using vm = await SmolVM.create();
    await vm.start();
    await vm.pause();
    expect(Buffer.from(await vm.readConsole()).toString()).toBe('boot\n');
  });

  it('is called running if the VMM refused to halt it', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    world().qemu.behave({ refusesPause: true });
    await vm.start();
    await expect(vm.pause()).rejects.toMatchObject({ code: 'CONTROL_FAILED' });
    expect(vm.status).toBe('running');
    expect((await vm.run(['true'])).ok).toBe(true);
  });
});

describe('a VM that does not run', () => {
  it('can neither be paused nor resumed, and says how to get there', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    const error = { code: 'WRONG_STATE', hint: 'Start it: smolvm start box' };
    await expect(vm.pause()).rejects.toMatchObject({
      ...error,
      message: `VM 'box' is created, there is nothing to pause`,
    });
    await vm.start();
    await vm.stop();
    await expect(vm.resume()).rejects.toMatchObject({ ...error, details: { state: 'stopped' } });
  });
});

describe('the processes of a guest', () => {
  it('stand still while it is paused, which shows that the tests above can fail', async () => {
    await using vm = await SmolVM.launch();
    const pidFile = join(world().folder, 'pid');
    const running = vm.run(`echo $$ > ${pidFile}; exec sleep 1000`);
    running.catch(() => undefined);
    await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n')).toBe(true);
    const pid = readFileSync(pidFile, 'utf8').trim();
    const stateOf = (): string | undefined =>
      /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    await vm.pause();
    await expect.poll(stateOf).toBe('T');
    await vm.resume();
    await expect.poll(stateOf).toBe('S');
  });
});
