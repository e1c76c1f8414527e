import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();
const CLI = join(host.repo, 'dist/cli/main.js');

function smolvm(
  args: readonly string[],
  input = '',
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', input });
  return { status, stdout, stderr };
}

describe('smolvm run', () => {
  test('streams both outputs, passes input, and exits with the code of the command', () => {
    const result = smolvm(['run', '-i', '--', 'sh', '-c', 'cat; echo problem >&2; exit 7'], 'from here\n');
    expect(result).toEqual({ status: 7, stdout: 'from here\n', stderr: 'problem\n' });
  });

  test('tells a program that is not there from one that failed', () => {
    expect(smolvm(['run', '--', 'no-such-program'])).toMatchObject({ status: 127, stdout: '' });
  });

  test('on Ctrl-C ends the command and the VM, and exits with 130', async () => {
    const child = spawn(process.execPath, [CLI, 'run', '--', 'sh', '-c', 'echo up; sleep 1000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    expect(exitCode).toBe(130);
    expect(await SmolVM.list()).toEqual([]);
  });

  test('is quiet when the reader of its output goes away', async () => {
    const child = spawn(process.execPath, [CLI, 'run', '--', 'yes'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    expect([exitCode, stderr]).toEqual([141, '']);
    expect(await SmolVM.list()).toEqual([]);
  });
});

describe('the life of a VM, a command at a time', () => {
  test('create, start, exec, logs, info, stop, delete', () => {
    expect(smolvm(['create', 'box', '--vcpus', '1'])).toMatchObject({ status: 0, stdout: 'box\n' });
    expect(smolvm(['exec', 'box', '--', 'true'])).toMatchObject({ status: 125 });
    expect(smolvm(['start', 'box'])).toMatchObject({ status: 0 });
    expect(smolvm(['exec', 'box', '--', 'hostname'])).toMatchObject({ status: 0, stdout: 'box\n' });
    expect(smolvm(['exec', 'box', '--', 'sh', '-c', 'echo to the console > /dev/console']).status).toBe(0);
    expect(smolvm(['logs', 'box']).stdout).toContain('to the console');
    const info = JSON.parse(smolvm(['--json', 'info', 'box']).stdout) as unknown;
    expect(info).toMatchObject({
      ok: true,
      command: 'info',
      data: { vmId: 'box', state: 'running', vcpuCount: 1 },
    });
    expect(smolvm(['delete', 'box'])).toMatchObject({ status: 1 });
    expect(smolvm(['stop', 'box'])).toMatchObject({ status: 0 });
    expect(smolvm(['logs', 'box']).stdout).toContain('to the console');
    expect(smolvm(['delete', 'box'])).toMatchObject({ status: 0 });
    expect(smolvm(['info', 'box'])).toMatchObject({ status: 1 });
  });
});
