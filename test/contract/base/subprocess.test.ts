import { getEventListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProcesses } from '../../../src/base/process-ref.ts';
import { minimalEnv, runHostCommand } from '../../../src/base/subprocess.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();

describe('runHostCommand', () => {
  it('gives code and output of a program', async () => {
    const argv = ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'] as const;
    expect(await runHostCommand({ argv: [...argv], signal })).toEqual({
      exitCode: 3,
      endSignal: null,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('gives the signal that ended it', async () => {
    expect(await runHostCommand({ argv: ['/bin/sh', '-c', 'kill -ABRT $$'], signal })).toMatchObject({
      exitCode: null,
      endSignal: 'SIGABRT',
    });
  });

  it('passes arguments as they are, with no shell between', async () => {
    const { stdout } = await runHostCommand({
      argv: ['/usr/bin/printf', '%s|', '$HOME', 'a b', '*'],
      signal,
    });
    expect(stdout).toBe('$HOME|a b|*|');
  });

  it('gives the program the input and the variables that it should have', async () => {
    const argv = ['/bin/sh', '-c', 'cat; echo "$A"'] as const;
    const result = await runHostCommand({ argv: [...argv], signal, input: 'in\n', env: { A: 'a' } });
    expect(result.stdout).toBe('in\na\n');
    const input = 'x'.repeat(1_000_000);
    expect(await runHostCommand({ argv: ['/bin/true'], signal, input })).toMatchObject({ exitCode: 0 });
  });

  it('gives the program nothing of our environment and no input', async () => {
    process.env['SMOLVM_TEST_SECRET'] = 'secret';
    try {
      const { stdout } = await runHostCommand({ argv: ['/usr/bin/env'], signal });
      expect(stdout.trim().split('\n').sort()).toEqual(
        Object.entries(minimalEnv())
          .map(([name, value]) => `${name}=${value}`)
          .sort(),
      );
    } finally {
      Reflect.deleteProperty(process.env, 'SMOLVM_TEST_SECRET');
    }
    expect((await runHostCommand({ argv: ['/bin/cat'], signal })).stdout).toBe('');
  });

  it('keeps the first bytes of a long output and reads on to the end', async () => {
    const argv = [
      '/bin/sh',
      '-c',
      'head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; exit 5',
    ] as const;
    const result = await runHostCommand({ argv: [...argv], signal, maxOutputBytes: 1_000 });
    expect(result).toMatchObject({ exitCode: 5, stdout: '\0'.repeat(1_000), stderr: '\0'.repeat(1_000) });
  });

  it('ends a program whose output is enough', async () => {
    const result = await runHostCommand({
      argv: ['/usr/bin/yes'],
      signal,
      enough: (text) => text.includes('y\ny\n'),
    });
    expect(result.endSignal).toBe('SIGKILL');
    expect(result.stdout).toContain('y\ny\n');
  });

  it('kills the program on abort, and throws the reason only after it is gone', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const mark = `smolvm-test:${process.pid}:subprocess`;
    const argv = [
      '/bin/sh',
      '-c',
      'echo started; read line </dev/null; exec tail -f /dev/null',
      mark,
    ] as const;
    const run = runHostCommand({
      argv: ['/usr/bin/env', '-i', ...argv],
      signal: controller.signal,
      enough: () => {
        controller.abort(reason);
        return false;
      },
    });
    await expect(run).rejects.toBe(reason);
    expect(findProcesses(mark)).toEqual([]);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('starts nothing once the signal has aborted', async () => {
    const reason = new Error('enough');
    await expect(runHostCommand({ argv: ['/nowhere'], signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  it('says why a program could not be started', async () => {
    await expect(runHostCommand({ argv: ['/nowhere/at-all'], signal })).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: 'cannot start /nowhere/at-all: there is no such program',
    });
    const path = join(folder(), 'text');
    writeFileSync(path, 'x', { mode: 0o644 });
    await expect(runHostCommand({ argv: [path], signal })).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: `cannot start ${path}: it may not be run`,
    });
  });
});
