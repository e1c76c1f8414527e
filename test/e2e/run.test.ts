import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OperationTimeoutError, SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

useRealHost({ vmOfFile: true });

let vm: SmolVM;
beforeAll(async () => {
  vm = await SmolVM.launch();
});
afterAll(async () => {
  await vm[Symbol.asyncDispose]();
});

describe('run', () => {
  test('passes arguments as they are, without a shell', async () => {
    const argv = ['printf', '%s|', 'a b', '$HOME', "it's", '"', '', 'ü\n'];
    expect((await vm.run(argv)).stdout).toBe('a b|$HOME|it\'s|"||ü\n|');
  });

  test('honours folder, user and environment', async () => {
    const result = await vm.run(['sh', '-c', 'pwd; id -u; echo "$GREETING"'], {
      cwd: '/tmp',
      user: 'nobody',
      env: { GREETING: 'line one\nline "two"' },
    });
    expect(result.stdout).toBe('/tmp\n65534\nline one\nline "two"\n');
  });

  test('keeps bytes: 1 MiB through cat comes back identical', async () => {
    const input = randomBytes(1024 * 1024);
    const { stdoutBytes } = await vm.run(['cat'], { input });
    expect(Buffer.compare(Buffer.from(stdoutBytes), input)).toBe(0);
  });

  test('gives a command without input an empty stdin', async () => {
    expect((await vm.run(['cat'])).stdout).toBe('');
  });

  test('reports a signal as a shell does', async () => {
    expect(await vm.run('kill -TERM $$')).toMatchObject({ exitCode: 143, signal: 'SIGTERM', ok: false });
  });

  test.each([
    [['no-such-program'], {}, 'notFound'],
    [['/etc/passwd'], {}, 'notExecutable'],
    [['true'], { cwd: '/nowhere' }, 'badCwd'],
    [['true'], { user: 'nobody-at-all' }, 'badUser'],
  ])('says why %j did not start', async (argv, options, reason) => {
    await expect(vm.run(argv, options)).rejects.toMatchObject({
      code: 'COMMAND_NOT_STARTED',
      hint: expect.any(String) as string,
      details: { reason },
    });
  });

  test('at its timeout kills the whole process group and tells what was written', async () => {
    const running = vm.run('echo before; sleep 1000 & sleep 1001', { timeoutMs: 1_500 });
    const error = await running.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect((error as OperationTimeoutError).details).toMatchObject({ stdout: 'before\n' });
    expect((await vm.run('ps | grep -c "[s]leep 100"')).stdout.trim()).toBe('0');
  });

  test('when aborted kills the command', async () => {
    const controller = new AbortController();
    const running = vm.run('echo up; sleep 2000', {
      signal: controller.signal,
      onStdout: () => {
        controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await vm.run('ps | grep -c "[s]leep 2000"')).stdout.trim()).toBe('0');
  });

  test('does not wait for a background process that holds the output', async () => {
    const result = await vm.run('sleep 3000 & echo done');
    expect(result.stdout).toBe('done\n');
    await vm.run('pkill -f "sleep 3000"');
  });

  test('flags output that it did not keep', async () => {
    const result = await vm.run('head -c 100000 /dev/zero', { maxOutputBytes: 1_000 });
    expect(result.truncated).toBe(true);
    expect(result.stdoutBytes.length).toBe(1_000);
  });

  test('answers 64 commands at once, each with its own output', async () => {
    const numbers = Array.from({ length: 64 }, (_, index) => String(index));
    const results = await Promise.all(
      numbers.map((number) => vm.run(['sh', '-c', `echo ${number}; cat`], { input: number })),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(numbers.map((number) => `${number}\n${number}`));
  });

  test('streams 1 GiB of output, complete and in bounded memory', async () => {
    const total = 1024 * 1024 * 1024;
    const hash = createHash('md5');
    let bytes = 0;
    let peakRss = 0;
    const rssBefore = process.memoryUsage.rss();
    const { exitCode, truncated } = await vm.run(['head', '-c', String(total), '/dev/zero'], {
      maxOutputBytes: 0,
      onStdout: (chunk) => {
        bytes += chunk.length;
        hash.update(chunk);
        peakRss = Math.max(peakRss, process.memoryUsage.rss());
      },
    });
    expect({ exitCode, truncated, bytes }).toEqual({ exitCode: 0, truncated: true, bytes: total });
    expect(hash.digest('hex')).toBe('cd573cfaace07e7949bc0c46028904ff');
    expect((peakRss - rssBefore) / 1024 / 1024).toBeLessThan(150);
  });

  test('refuses bad options before it contacts the guest', async () => {
    await expect(vm.run('  ')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(vm.run([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(vm.run('true', { timeoutMs: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(vm.run('true', { env: { 'A-B': '1' } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
