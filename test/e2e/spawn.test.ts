import { describe, expect, test } from 'vitest';
import { SmolVM, type GuestProcess } from 'smolvm';
import { useRealHost } from './real-host.ts';

useRealHost();

/** Reads on until the output has a text, and gives all of it up to there. */
async function until(command: GuestProcess, text: string): Promise<string> {
  let seen = '';
  for await (const { bytes } of command) {
    seen += bytes.toString();
    if (seen.includes(text)) return seen;
  }
  throw new Error(`the output ended without ${JSON.stringify(text)}: ${JSON.stringify(seen)}`);
}

describe('a command on a terminal', () => {
  test('has its size, sees it change, reads what is typed, and its outputs are one', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn('tty; stty size; read line; stty size; echo "[$line]" >&2; exit 5', {
      terminal: { rows: 30, columns: 100 },
    });
    await until(command, '30 100');
    command.resize({ rows: 50, columns: 120 });
    command.stdin?.write('typed\n');
    const result = await command;
    expect(result).toMatchObject({ exitCode: 5, stderr: '' });
    expect(result.stdout).toBe('/dev/pts/0\r\n30 100\r\ntyped\r\n50 120\r\n[typed]\r\n');
  });

  test('is interrupted by what is typed', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sh', '-c', 'echo ready; exec sleep 1000'], { terminal: true });
    await until(command, 'ready');
    command.stdin?.write('\x03');
    expect(await command.outcome).toEqual({ kind: 'signaled', signal: 'SIGINT' });
  });
});

describe('a detached command', () => {
  test('outlives its handle and its session, and another one reads on where the first one stopped', async () => {
    const vm = await SmolVM.create({ vmId: 'detached' });
    await vm.start();
    const script = 'echo one; read line; echo "two $line"; echo three >&2; exit 9';
    const command = vm.spawn(script, { detached: 'job', stdin: true });
    await until(command, 'one\n');
    const cursor = await command.cursor();
    expect(cursor).toBe(4);
    expect(() => vm.spawn('true', { detached: 'a b' })).toThrow(/execId|detached|letters/);
    await expect(vm.spawn('true', { detached: 'job' }).result()).rejects.toMatchObject({
      code: 'COMMAND_NOT_STARTED',
      details: { reason: 'exists' },
    });
    await vm.close();

    await using again = await SmolVM.fromId('detached');
    expect(await again.listDetached()).toMatchObject([{ execId: 'job', running: true, endCursor: 4 }]);
    const attached = again.attach('job', { cursor });
    attached.stdin?.end('more\n');
    expect(await attached).toMatchObject({ exitCode: 9, stdout: 'two more\n', stderr: 'three\n' });
    expect((await again.attach('job')).stdout).toBe('one\ntwo more\n');
    expect(await again.listDetached()).toMatchObject([
      { execId: 'job', running: false, exitCode: 9, endCursor: 19 },
    ]);
    await again.forgetDetached('job');
    expect(await again.listDetached()).toEqual([]);
    await expect(again.attach('job').result()).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    await again.delete();
  });

  test('that nobody reads goes on, keeps its newest output and tells what is gone', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn('head -c 1000000 /dev/zero; echo end', { detached: true });
    await command.pid();
    await command.detach();
    await expect.poll(async () => (await vm.listDetached())[0]?.running).toBe(false);
    const [known] = await vm.listDetached();
    const attached = vm.attach(command.execId ?? '', { cursor: 0 });
    const result = await attached;
    expect(result.stdout.endsWith('end\n')).toBe(true);
    expect(await attached.cursor()).toBe(1_000_004);
    expect(known).toMatchObject({ endCursor: 1_000_004, exitCode: 0 });
    expect(Buffer.byteLength(result.stdout)).toBe(1_000_004 - (known?.oldestCursor ?? 0));
    expect(known?.oldestCursor).toBeGreaterThanOrEqual(1_000_004 - 256 * 1024);
  });
});

describe('a VM under a command', () => {
  test('that crashes gives outcomeUnknown, with what was seen', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn('echo seen; sync; echo c > /proc/sysrq-trigger; sleep 100');
    const outcome = await command.outcome;
    expect(outcome).toMatchObject({ kind: 'outcomeUnknown' });
    await expect(command.result()).rejects.toMatchObject({
      code: 'VM_EXITED',
      details: { stdout: 'seen\n' },
    });
  });

  test('that is stopped (SIGSTOP) gives timedOut, and the VM can be used again', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sleep', '1000'], { timeoutMs: 1_000 });
    await command.pid();
    const pid = vm.info.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await command.outcome).toEqual({ kind: 'timedOut', timeoutMs: 1_000, killed: false });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await expect.poll(async () => (await vm.run('pidof sleep || true')).stdout.trim()).toBe('');
  });

  test('that has no memory left ends the command by a signal, and goes on', async () => {
    await using vm = await SmolVM.launch({ memSizeMib: 128 });
    const result = await vm.run(['sh', '-c', 'x=a; while :; do x=$x$x; done'], { timeoutMs: 60_000 });
    expect(result.ok).toBe(false);
    expect((await vm.run(['echo', 'alive'])).stdout).toBe('alive\n');
  });
});
