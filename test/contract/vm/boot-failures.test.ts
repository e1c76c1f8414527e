import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSmolVMError, SmolVM, type SmolVMError } from '../../../src/index.ts';
import type { FakeBehaviour } from '../../support/fake-qemu.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();

/** Far longer than any test may take: a start that only ends with its deadline is a hang. */
const LONG_MS = 10 * 60_000;

/** Starts a VM of that behaviour, expects it to fail, to be restartable and to leave nothing; gives the error. */
async function failureOf(behaviour: FakeBehaviour, bootTimeoutMs = LONG_MS): Promise<SmolVMError> {
  await using vm = await SmolVM.create({ vmId: 'box' });
  world().qemu.behave(behaviour);
  const error: unknown = await vm.start({ bootTimeoutMs }).then(
    () => new Error('it started'),
    (failure: unknown) => failure,
  );
  if (!isSmolVMError(error)) throw error;
  expect(vm.info).toMatchObject({ state: 'failed', pid: null });
  expect(vm.info.reason).not.toBe('');
  expect(error.hint).toBeTruthy();
  world().qemu.behave({});
  await vm.start();
  expect((await vm.run(['echo', 'well again'])).stdout).toBe('well again\n');
  return error;
}

describe('a start fails at once, with the reason,', () => {
  it('when the VMM ends before it has done anything', async () => {
    const error = await failureOf({ exitsAtOnce: { code: 7, stderr: 'qemu: no such \x1b[31mmachine\n' } });
    expect(error.code).toBe('LAUNCH_FAILED');
    expect(error.message).toContain('exited with code 7');
    expect(error.message).toContain('qemu: no such \\x1b[31mmachine');
    expect(error.details['log']).toContain('no such');
  });

  it('when the guest ends during boot, with the last words of its console', async () => {
    const error = await failureOf({
      endsDuringBoot: true,
      onHello: 'mute',
      console: 'Kernel panic: \x1b[2Jno init\r\n',
    });
    expect(error.code).toBe('LAUNCH_FAILED');
    expect(error.message).toContain('Kernel panic: \\x1b[2Jno init');
    expect(error.details['console']).toBe('Kernel panic: \\x1b[2Jno init');
  });

  it('when the guest cannot use its root disk', async () => {
    const error = await failureOf({ rootError: 'wrong fs type \x07' });
    expect(error).toMatchObject({ code: 'LAUNCH_FAILED', hint: expect.stringContaining('ext4') as unknown });
    expect(error.message).toContain('wrong fs type \\x07');
  });

  it.each(['wrongTag', 'tooLong', 'unknownType', 'shortHello', 'garbage'] as const)(
    'when the agent answers the hello with what breaks the protocol: %s',
    async (onHello) => {
      expect((await failureOf({ onHello })).code).toBe('PROTOCOL_ERROR');
    },
  );

  it('when the agent hangs up', async () => {
    expect((await failureOf({ onHello: 'close' })).code).toBe('LAUNCH_FAILED');
  });

  it('when the control socket speaks another language', async () => {
    expect((await failureOf({ qmp: 'garbage', onHello: 'mute' })).code).toBe('LAUNCH_FAILED');
  });

  it('when the VMM refuses control commands', async () => {
    expect((await failureOf({ qmp: 'refuses', onHello: 'mute' })).message).toMatch(
      /has not been found|refused/,
    );
  });
});

describe('a start fails with its deadline', () => {
  it.each([
    ['the VMM makes no sockets', { opensNoSockets: true }],
    ['the agent says nothing', { onHello: 'mute' }],
    ['the control socket says nothing', { qmp: 'mute' }],
  ] as const)('when %s', async (_what, behaviour) => {
    expect(await failureOf(behaviour, 400)).toMatchObject({ code: 'TIMEOUT', details: { timeoutMs: 400 } });
  });

  it('and shows what the console holds', async () => {
    const error = await failureOf({ onHello: 'mute', console: 'waiting for /dev/vda\n' }, 600);
    expect(error.code).toBe('TIMEOUT');
    expect(error.message).toContain('waiting for /dev/vda');
  });
});

describe('a start that the caller gives up', () => {
  it('ends with ABORTED and can be repeated', async () => {
    await using vm = await SmolVM.create();
    world().qemu.behave({ bootsWhenExists: join(world().folder, 'never') });
    const controller = new AbortController();
    const starting = vm.start({ signal: controller.signal, bootTimeoutMs: LONG_MS });
    starting.catch(() => undefined);
    await expect.poll(() => world().qemu.calls().at(-1)).toBe('launch');
    controller.abort();
    await expect(starting).rejects.toMatchObject({ code: 'ABORTED' });
    expect(vm.status).toBe('failed');
    world().qemu.behave({});
    await vm.start();
  });

  it('before it began does nothing but say so', async () => {
    await using vm = await SmolVM.create();
    await expect(vm.start({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(world().qemu.calls()).not.toContain('launch');
  });
});

describe('a launch that fails', () => {
  it('leaves no VM', async () => {
    world().qemu.behave({ exitsAtOnce: { code: 1, stderr: '' } });
    await expect(SmolVM.launch({ bootTimeoutMs: LONG_MS })).rejects.toMatchObject({ code: 'LAUNCH_FAILED' });
    expect(await SmolVM.list()).toEqual([]);
  });

  it('leaves no VM when it was aborted', async () => {
    world().qemu.behave({ onHello: 'mute' });
    const controller = new AbortController();
    const launching = SmolVM.launch({ signal: controller.signal, bootTimeoutMs: LONG_MS });
    launching.catch(() => undefined);
    await expect.poll(() => world().qemu.calls().at(-1)).toBe('launch');
    controller.abort();
    await expect(launching).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await SmolVM.list()).toEqual([]);
  });
});

describe('options that are wrong', () => {
  it.each([
    { bootTimeoutMs: 0 },
    { vcpuCount: 33 },
    { memSizeMib: 127 },
    { backend: 'other' as 'auto' },
    { rootfsPath: '/nowhere' },
    { kernelPath: '/proc' },
  ])('are refused and leave no VM: %j', async (options) => {
    await expect(SmolVM.launch(options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await SmolVM.list()).toEqual([]);
    expect(world().qemu.calls()).not.toContain('launch');
  });
});
