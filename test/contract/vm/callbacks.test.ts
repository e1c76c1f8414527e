import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandBlockedError, SmolVM, type Callback } from '../../../src/index.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();

/** The stand-in's guest has the files of this host, so a command that ran has left one. */
function witness(): string {
  return join(world().folder, 'it-ran');
}

describe('a callback', () => {
  it('that throws before a command forbids it: nothing reaches the guest, and later ones are not asked', async () => {
    await using vm = await SmolVM.launch();
    const seen: string[] = [];
    const veto = new Error('not on a Sunday');
    vm.addCallback({
      onPreRun: () => {
        seen.push('first');
        throw veto;
      },
      onRunError: (_context, error) => void seen.push(`first told of ${(error as Error).name}`),
    }).addCallback({ onPreRun: () => void seen.push('second') });
    const blocked: unknown = await vm.run(['touch', witness()]).catch((error: unknown) => error);
    expect(blocked).toBeInstanceOf(CommandBlockedError);
    expect(blocked).toMatchObject({ code: 'COMMAND_BLOCKED', vmId: vm.vmId, cause: veto });
    expect((blocked as Error).message).toContain('not on a Sunday');
    const spawned = vm.spawn(['touch', witness()]);
    expect(await spawned.outcome).toMatchObject({ kind: 'neverStarted' });
    await expect(spawned).rejects.toMatchObject({ code: 'COMMAND_BLOCKED' });
    expect(existsSync(witness())).toBe(false);
    expect(seen).toEqual(Array(2).fill(['first', 'first told of CommandBlockedError']).flat());
  });

  it('sees each command and its end, in the order in which it was added, also where it waits', async () => {
    await using vm = await SmolVM.launch();
    const seen: string[] = [];
    const noting = (name: string): Callback => ({
      onPreRun: async ({ command, vmId }) => {
        await Promise.resolve();
        seen.push(`${name} before ${JSON.stringify(command)} in ${vmId}`);
      },
      onPostRun: async (_context, { exitCode, stdout }) => {
        await Promise.resolve();
        seen.push(`${name} after ${exitCode} ${stdout}`);
      },
      onRunError: () => void seen.push(`${name} error`),
    });
    await vm.run(['true']);
    vm.addCallback(noting('a')).addCallback(noting('b'));
    await vm.run('echo hi; exit 3');
    expect(seen).toEqual([
      `a before "echo hi; exit 3" in ${vm.vmId}`,
      `b before "echo hi; exit 3" in ${vm.vmId}`,
      'a after 3 hi\n',
      'b after 3 hi\n',
    ]);
  });

  it('that only looks on changes nothing by throwing: a result stays, and so does an error', async () => {
    await using vm = await SmolVM.launch();
    const told: unknown[] = [];
    vm.addCallback({
      onPostRun: () => Promise.reject(new Error('observer broke')),
      onRunError: (_context, error) => {
        told.push(error);
        throw new Error('observer broke too');
      },
    });
    const warned = new Promise<void>((resolve) => {
      process.on('warning', function look({ message }) {
        if (!message.includes('observer broke')) return;
        process.off('warning', look);
        resolve();
      });
    });
    expect(await vm.run(['echo', 'fine'])).toMatchObject({ stdout: 'fine\n' });
    await warned;
    const error: unknown = await vm.run(['/no/such/program']).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'COMMAND_NOT_STARTED' });
    expect(told).toEqual([error]);
  });

  it('is an object with functions', async () => {
    await using vm = await SmolVM.launch();
    for (const wrong of [undefined, null, 'x', () => undefined, {}, { onPreRun: 'x' }])
      expect(() => vm.addCallback(wrong as Callback)).toThrow(/expected an object with functions/);
  });
});

describe('the connection to a guest', () => {
  it('is made once and used for all commands', async () => {
    await using vm = await SmolVM.launch();
    await vm.run(['true']);
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 5; round += 1) await vm.run(['true']);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describe('a guest that does not answer', () => {
  it('is told of as that, with what to do, after the time for connecting', { timeout: 60_000 }, async () => {
    const vm = await SmolVM.create({ vmId: 'mute' });
    await vm.start();
    const { pid } = vm.info;
    await vm.close();
    await using again = await SmolVM.fromId('mute');
    process.kill(pid ?? 0, 'SIGSTOP');
    try {
      await expect(again.run(['true'])).rejects.toMatchObject({
        code: 'COMMAND_UNAVAILABLE',
        message: "the agent in VM 'mute' does not answer",
        hint: expect.stringContaining('smolvm logs mute') as string,
      });
    } finally {
      process.kill(pid ?? 0, 'SIGCONT');
    }
    await again.delete();
  });
});

describe('variables with a bad name', () => {
  it('are refused before the guest is asked', async () => {
    await using vm = await SmolVM.create();
    await expect(vm.setEnvVars({ '1A': 'x' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(vm.setEnvVars({ A: 'x' })).rejects.toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
  });
});
