import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProcesses } from '../../../src/base/process-ref.ts';
import { isSmolVMError, SmolVM, type RunOptions } from '../../../src/index.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const MIB = 2 ** 20;

/** A running VM, for one test. */
async function launched(): Promise<SmolVM> {
  return SmolVM.launch();
}

/** What a promise is rejected with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error('it was not rejected'),
    (error: unknown) => error,
  );
}

describe('a command', () => {
  it('gives its output and code; a code other than 0 is a result', async () => {
    await using vm = await launched();
    const result = await vm.run(['/bin/sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(result).toMatchObject({
      argv: ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'],
      exitCode: 3,
      ok: false,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      output: 'out\nerr\n',
      truncated: false,
    });
    expect(Object.isFrozen(result)).toBe(true);
  });

  it('as a string goes through a shell, as an array it does not', async () => {
    await using vm = await launched();
    expect((await vm.run('echo a | tr a b; echo $((1 + 2))')).stdout).toBe('b\n3\n');
    expect((await vm.run(['printf', '%s', '$HOME | *'])).stdout).toBe('$HOME | *');
  });

  it('that a signal ends has that signal and the code of a shell', async () => {
    await using vm = await launched();
    expect(await vm.run(['sh', '-c', 'kill -TERM $$'])).toMatchObject({
      signal: 'SIGTERM',
      exitCode: 143,
      ok: false,
    });
  });

  it('runs in its folder, with its variables', async () => {
    await using vm = await launched();
    const result = await vm.run(['sh', '-c', 'pwd; echo $GREETING'], {
      cwd: '/usr',
      env: { GREETING: 'a b=c' },
    });
    expect(result.stdout).toBe('/usr\na b=c\n');
    expect((await vm.run(['pwd'])).stdout).toBe('/\n');
  });

  it.each([
    [['no-such-program'], {}, 'notFound'],
    [['/etc'], {}, 'notExecutable'],
    [['ls'], { cwd: '/no/such/folder' }, 'badCwd'],
    [['ls'], { user: 'nobody-of-that-name' }, 'badUser'],
  ] as const)('that cannot start says why: %j %j', async (command, options, reason) => {
    await using vm = await launched();
    const error = await rejection(vm.run(command, options));
    expect(error).toMatchObject({ code: 'COMMAND_NOT_STARTED', details: { reason } });
    expect(isSmolVMError(error) && error.hint).toBeTruthy();
    expect((await vm.run(['true'])).ok).toBe(true);
  });

  it.each([
    ['', {}],
    [[], {}],
    [['a\0'], {}],
    [['ls'], { timeoutMs: 0 }],
    [['ls'], { maxOutputBytes: -1 }],
    [['ls'], { env: { '1': 'x' } }],
  ])('with bad options is refused before anything is sent: %j %j', async (command, options) => {
    await using vm = await launched();
    await expect(vm.run(command, options as RunOptions)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it.each(['created', 'stopped'])('needs a running VM, and says how to get one: %s', async (state) => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    if (state === 'stopped') {
      await vm.start();
      await vm.stop();
    }
    await expect(vm.run(['ls'])).rejects.toMatchObject({
      code: 'COMMAND_UNAVAILABLE',
      hint: 'Start it: smolvm start box',
      details: { state },
    });
  });
});

describe('output', () => {
  it('of 64 MiB passes through a consumer, is not kept, and needs little memory', async () => {
    await using vm = await launched();
    const hash = createHash('sha256');
    let bytes = 0;
    let peak = 0;
    const before = process.memoryUsage().rss;
    const result = await vm.run(['sh', '-c', `head -c ${64 * MIB} /dev/zero`], {
      maxOutputBytes: 0,
      onStdout: (chunk) => {
        hash.update(chunk);
        bytes += chunk.length;
        peak = Math.max(peak, process.memoryUsage().rss);
      },
    });
    expect(bytes).toBe(64 * MIB);
    expect(hash.digest('hex')).toBe(
      createHash('sha256')
        .update(Buffer.alloc(64 * MIB))
        .digest('hex'),
    );
    expect(result).toMatchObject({ stdout: '', truncated: true, ok: true });
    expect((peak - before) / MIB).toBeLessThan(48);
  });

  it('is kept up to the bound, for each stream', async () => {
    await using vm = await launched();
    const result = await vm.run('echo 123456; echo abcdef >&2', { maxOutputBytes: 3 });
    expect(result).toMatchObject({ stdout: '123', stderr: 'abc', truncated: true });
  });

  it('waits for a slow consumer: the command is held back, and nothing is lost', async () => {
    await using vm = await launched();
    const done = join(world().folder, 'done');
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    let received = 0;
    let seen: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (seen = resolve));
    const running = vm.run(['sh', '-c', `head -c ${8 * MIB} /dev/zero; touch ${done}`], {
      maxOutputBytes: 0,
      onStdout: async (chunk) => {
        received += chunk.length;
        seen();
        await gate;
      },
    });
    await first;
    // The line itself is not blocked: other commands of the same session come through.
    for (let count = 0; count < 20; count += 1) expect((await vm.run(['echo', 'x'])).stdout).toBe('x\n');
    expect(existsSync(done)).toBe(false);
    expect(received).toBeLessThanOrEqual(32_752);
    go();
    expect((await running).ok).toBe(true);
    expect(received).toBe(8 * MIB);
    expect(existsSync(done)).toBe(true);
  });

  it('that its consumer refuses ends the command, with the error of the consumer', async () => {
    await using vm = await launched();
    const failure = new Error('disk full');
    const onStdout = (): void => {
      throw failure;
    };
    await expect(vm.run(['yes'], { onStdout })).rejects.toBe(failure);
    expect((await vm.run(['true'])).ok).toBe(true);
  });

  it('of a background process does not delay the end of its command', async () => {
    await using vm = await launched();
    const result = await vm.run(['sh', '-c', 'tail -f /dev/null & echo started']);
    expect(result).toMatchObject({ ok: true, stdout: 'started\n' });
  });

  it('of any bytes is given as they are', async () => {
    await using vm = await launched();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const result = await vm.run(['cat'], { input: bytes });
    expect(Buffer.from(result.stdoutBytes)).toEqual(bytes);
  });
});

describe('input', () => {
  it('of 10 MiB comes back from cat as it was', async () => {
    await using vm = await launched();
    const input = randomBytes(10 * MIB);
    const { stdoutBytes } = await vm.run(['cat'], { input });
    expect(Buffer.compare(stdoutBytes, input)).toBe(0);
  });

  it('may be text, or come in pieces', async () => {
    await using vm = await launched();
    async function* pieces(): AsyncGenerator<string | Uint8Array> {
      yield 'ä';
      await Promise.resolve();
      yield Buffer.from('b');
    }
    expect((await vm.run(['cat'], { input: 'grüße' })).stdout).toBe('grüße');
    expect((await vm.run(['cat'], { input: pieces() })).stdout).toBe('äb');
    expect((await vm.run(['cat'], { input: '' })).stdout).toBe('');
  });

  it('is /dev/null where none is given', async () => {
    await using vm = await launched();
    expect((await vm.run(['readlink', '/proc/self/fd/0'])).stdout).toBe('/dev/null\n');
  });

  it('that the command does not want is dropped', async () => {
    await using vm = await launched();
    expect(await vm.run(['true'], { input: Buffer.alloc(10 * MIB) })).toMatchObject({ ok: true });
  });

  it('without end is no longer read once the command has ended', async () => {
    await using vm = await launched();
    let isOver = false;
    let readAfterwards = 0;
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        while (readAfterwards < 1_000) {
          if (isOver) readAfterwards += 1;
          yield Buffer.alloc(4_096);
          // Leaves room for others, so that this test ends also when its subject does not.
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed = true;
      }
    }
    expect((await vm.run(['head', '-c', '3'], { input: endless() })).stdout).toBe('\0\0\0');
    isOver = true;
    await expect.poll(() => closed).toBe(true);
    expect(readAfterwards).toBeLessThan(10);
  });

  it('that fails to come ends the command with its own error', async () => {
    await using vm = await launched();
    const failure = new Error('the file is gone');
    async function* failing(): AsyncGenerator<string> {
      yield 'a';
      throw failure;
    }
    const mark = `smolvm-test:${process.pid}:input`;
    await expect(vm.run(['sh', '-c', 'cat; tail -f /dev/null', mark], { input: failing() })).rejects.toBe(
      failure,
    );
    // A killed process takes a moment to leave the process table.
    await expect.poll(() => findProcesses(mark)).toEqual([]);
  });
});

describe('a command that is given up', () => {
  const mark = `smolvm-test:${process.pid}:given-up`;
  const slow = ['sh', '-c', 'echo partial; echo problem >&2; tail -f /dev/null & tail -f /dev/null', mark];

  it('because of its timeout is killed with all its processes, and the error has its output', async () => {
    await using vm = await launched();
    const error = await rejection(vm.run(slow, { timeoutMs: 300 }));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      timeoutMs: 300,
      details: { stdout: 'partial\n', stderr: 'problem\n' },
    });
    await expect.poll(() => findProcesses(mark)).toEqual([]);
    await expect.poll(() => tailsOf(vm)).toBe(0);
  });

  it('by its caller is killed with all its processes, and the error has its output', async () => {
    await using vm = await launched();
    const controller = new AbortController();
    const onStdout = (): void => {
      controller.abort(new Error('enough'));
    };
    const error = await rejection(vm.run(slow, { signal: controller.signal, onStdout }));
    expect(error).toMatchObject({ code: 'ABORTED', details: { stdout: 'partial\n' } });
    await expect.poll(() => tailsOf(vm)).toBe(0);
    expect((await vm.run(['echo', 'next'])).stdout).toBe('next\n');
  });

  it('before it began is not sent', async () => {
    await using vm = await launched();
    const trace = join(world().folder, 'trace');
    await expect(vm.run(['touch', trace], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(existsSync(trace)).toBe(false);
  });

  /** Processes of this guest that would run for ever. */
  function tailsOf(vm: SmolVM): number {
    return findProcesses('/dev/null').filter(({ pid }) => isOf(vm, pid)).length;
  }
});

describe('commands at once', () => {
  it('64 of them do not mix', async () => {
    await using vm = await launched();
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, nth) =>
        vm.run(['sh', '-c', `cat; echo ${nth}; exit ${nth}`], { input: `in ${nth} ` }),
      ),
    );
    expect(results.map(({ stdout, exitCode }) => [stdout, exitCode])).toEqual(
      results.map((_, nth) => [`in ${nth} ${nth}\n`, nth]),
    );
  });

  it('of two handles share one session', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    await vm.start();
    const other = await SmolVM.fromId('box');
    const both = await Promise.all([vm.run(['echo', '1']), other.run(['echo', '2'])]);
    expect(both.map(({ stdout }) => stdout)).toEqual(['1\n', '2\n']);
    await other.close();
    expect((await vm.run(['echo', '3'])).stdout).toBe('3\n');
  });

  it('all end when the VM is stopped under them', async () => {
    await using vm = await SmolVM.create();
    await vm.start();
    const running = Promise.all([1, 2, 3].map(() => rejection(vm.run(['tail', '-f', '/dev/null']))));
    expect((await vm.run(['true'])).ok).toBe(true);
    process.kill(vm.info.pid ?? 0, 'SIGKILL');
    for (const error of await running) expect(error).toMatchObject({ code: 'VM_EXITED' });
  });
});

/** Is this process one of the VM's guest? */
function isOf(vm: SmolVM, pid: number): boolean {
  return environmentOf(pid).includes(`:${vm.vmId}#`);
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}
