import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

/** Runs a program that uses the built package, as a user's would; its first line is a VM's id or a result. */
function program(source: string): { child: ReturnType<typeof spawn>; firstLine: Promise<string> } {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { SmolVM } from 'smolvm';\n${source}`],
    {
      cwd: host.repo,
      env: process.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: child.stdout });
  return { child, firstLine: once(lines, 'line').then(([line]) => String(line)) };
}

describe('several processes', () => {
  test('eight of them run commands in one VM at the same time', async () => {
    await using vm = await SmolVM.launch();
    const runs = Array.from({ length: 8 }, (_, index) =>
      program(`
        const vm = await SmolVM.fromId('${vm.vmId}');
        // All are connected before any ends: the last line of the file appears only when all eight have written theirs.
        const result = await vm.run('echo ${String(index)} >> /tmp/all; while [ "$(wc -l < /tmp/all)" -lt 8 ]; do sleep 0.05; done; echo ${String(index)}', { timeoutMs: 60_000 });
        console.log(result.stdout.trim());
        await vm.close();`),
    );
    const answers = await Promise.all(runs.map(({ firstLine }) => firstLine));
    expect(answers).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    for (const { child } of runs) if (child.exitCode === null) await once(child, 'exit');
  });

  test('kill -9 of the process that started a created VM leaves a VM that the next one uses and deletes', async () => {
    const { child, firstLine } = program(`
      const vm = await SmolVM.create({ vcpuCount: 1 });
      await vm.start();
      await vm.run('echo kept > /tmp/kept');
      console.log(vm.vmId);
      setInterval(() => vm.run('sleep 1'), 100);`);
    const vmId = await firstLine;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const vm = await SmolVM.fromId(vmId);
    expect(vm.status).toBe('running');
    expect((await vm.run('cat /tmp/kept')).stdout).toBe('kept\n');
    await vm.delete();
    await vm.close();
  });

  test('kill -9 of the owner of a launched VM ends the VMM, and the next command removes the rest', async () => {
    const { child, firstLine } = program(`
      const vm = await SmolVM.launch({ vcpuCount: 1 });
      console.log(vm.vmId);
      setInterval(() => undefined, 1000);`);
    const vmId = await firstLine;
    child.kill('SIGKILL');
    await once(child, 'exit');
    await host.untilGone(vmId);
    expect((await SmolVM.list()).map((vm) => vm.vmId)).not.toContain(vmId);
  });

  test('kill -9 in the middle of a boot leaves no VMM, and the VM can be started', async () => {
    const vm = await SmolVM.create({ vmId: 'half-booted', vcpuCount: 1 });
    await vm.close();
    const { child } = program(`
      const vm = await SmolVM.fromId('half-booted');
      await vm.start();`);
    await host.untilVmm('half-booted');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await using again = await SmolVM.fromId('half-booted');
    expect(again.info).toMatchObject({ state: 'failed', pid: null });
    await again.start();
    expect((await again.run(['echo', 'up'])).stdout).toBe('up\n');
    await again.delete();
  });
});
