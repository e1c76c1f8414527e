import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

/** Runs a program of another process that uses the built package. */
function elsewhere(source: string): string {
  const program = `import { SmolVM } from 'smolvm';\n${source}`;
  const args = ['--input-type=module', '-e', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    cwd: host.repo,
    encoding: 'utf8',
    env: process.env,
  });
  expect(status, stderr).toBe(0);
  return stdout;
}

/** How long the guest has run, by its own clock. */
async function uptimeMs(vm: SmolVM): Promise<number> {
  const { stdout } = await vm.run(['cat', '/proc/uptime']);
  return Number(stdout.split(' ')[0]) * 1_000;
}

describe('a paused guest', () => {
  test('stands still, refuses commands, goes on from another process where it was, and is stopped gracefully', async () => {
    await using vm = await SmolVM.create({ vmId: 'sleeper', vcpuCount: 1 });
    await vm.start();
    const [hostBefore, guestBefore] = [performance.now(), await uptimeMs(vm)];
    await vm.pause();
    await expect(vm.run('true')).rejects.toMatchObject({
      code: 'COMMAND_UNAVAILABLE',
      details: { state: 'paused' },
    });
    await sleep(1_000);
    const said = elsewhere(`
      const vm = await SmolVM.fromId('sleeper');
      const before = vm.status;
      await vm.resume();
      const { stdout } = await vm.run(['hostname']);
      console.log(before, vm.status, stdout.trim());
      await vm.close();`);
    expect(said).toBe('paused running sleeper\n');
    const guestMs = (await uptimeMs(vm)) - guestBefore;
    expect(guestMs).toBeLessThan(performance.now() - hostBefore - 900);
    await vm.pause();
    expect(await vm.stop({ timeoutMs: 20_000 })).toBe('graceful');
  });
});
