import { describe, expect, it } from 'vitest';
import { SmolVM } from '../../../src/index.ts';
import type { Misbehaviour } from '../../support/fake-qemu.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();

/** A VM whose agent boots well and then does that for every command. */
async function launched(onExec: Misbehaviour): Promise<SmolVM> {
  world().qemu.behave({ onExec });
  return SmolVM.launch();
}

describe('a guest that breaks the protocol', () => {
  it.each(['garbage', 'wrongTag', 'tooLong', 'unknownType', 'flood', 'error'] as const)(
    'ends the command with PROTOCOL_ERROR and harms nothing else: %s',
    async (onExec) => {
      await using vm = await launched(onExec);
      for (let count = 0; count < 2; count += 1) {
        await expect(vm.run(['ls'], { onStdout: () => new Promise(() => undefined) })).rejects.toMatchObject({
          code: 'PROTOCOL_ERROR',
          hint: expect.stringContaining('smolvm delete') as unknown,
        });
      }
      expect(vm.status).toBe('running');
    },
  );

  it('cannot colour our terminal with its complaint', async () => {
    await using vm = await launched('error');
    await expect(vm.run(['ls'])).rejects.toThrow('I do not like \\x1b[31myou');
  });

  it('may tell the end of a command that nobody started: that is ignored', async () => {
    await using vm = await launched('strangerExit');
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
  });

  it('fails all commands of the session, each with the reason', async () => {
    await using vm = await launched('tooLong');
    const results = await Promise.allSettled([1, 2, 3].map(() => vm.run(['ls'])));
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'PROTOCOL_ERROR' } });
  });
});

describe('a guest that is lost in the middle of a command', () => {
  it('because it hangs up: the next command finds it again', async () => {
    await using vm = await launched('close');
    await expect(vm.run(['ls'])).rejects.toMatchObject({ code: 'VM_EXITED' });
    await expect(vm.run(['ls'])).rejects.toMatchObject({ code: 'VM_EXITED' });
  });

  it('because its VMM dies', async () => {
    await using vm = await launched('die');
    await expect(vm.run(['ls'])).rejects.toMatchObject({ code: 'VM_EXITED' });
    await expect.poll(async () => (await vm.refresh()).state).toBe('stopped');
  });
});

describe('a guest that says nothing', () => {
  it('to a command is waited for until the timeout', async () => {
    await using vm = await launched('silent');
    const error = await vm.run(['ls'], { timeoutMs: 50 }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'TIMEOUT', timeoutMs: 50 });
  });

  it('and does not hold up a stop for longer than its time', async () => {
    world().qemu.behave({ ignoresShutdown: true });
    await using vm = await launched('silent');
    const running = vm.run(['ls']).catch((failure: unknown) => failure);
    await expect.poll(() => vm.status).toBe('running');
    expect(['graceful', 'forced']).toContain(await vm.stop({ timeoutMs: 100 }));
    expect(await running).toMatchObject({ code: 'VM_EXITED' });
  });
});
