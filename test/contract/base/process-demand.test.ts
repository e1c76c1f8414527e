import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { untilSettled } from '../../../src/base/process-demand.ts';

const RULE = { windowMs: 200, maxCpuMs: 20, busyMs: Infinity };
const { signal } = new AbortController();

/** A process that is at work until it gets a line, then waits for its end. */
const WORKER = 'while ! read -t 0 line; do :; done; echo rests; read -r line; read -r line';

async function withWorker(use: (pid: number, rest: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const child = spawn('/bin/bash', ['-c', WORKER], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await use(child.pid ?? 0, () => {
      child.stdin.write('rest\n');
      return once(child.stdout, 'data');
    });
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

/** Nanoseconds for which a process has run. */
const ranNs = (pid: number): number =>
  Number(readFileSync(`/proc/${String(pid)}/schedstat`, 'utf8').split(' ')[0]);

describe('untilSettled', () => {
  it('waits as long as a process is at work, and no longer', async () => {
    await withWorker(async (pid, rest) => {
      const settling = { isDone: false };
      const settled = untilSettled(pid, RULE, signal).finally(() => {
        settling.isDone = true;
      });
      await expect.poll(() => ranNs(pid), { timeout: 60_000 }).toBeGreaterThan(600_000_000);
      expect(settling.isDone).toBe(false);
      await rest();
      expect(await settled).toBe(true);
    });
  });

  it('lets go of a process that is at work for good', async () => {
    await withWorker(async (pid) => {
      expect(await untilSettled(pid, { ...RULE, busyMs: 300 }, signal)).toBe(true);
      expect(ranNs(pid)).toBeGreaterThanOrEqual(300_000_000);
    });
  });

  it('says so if there is no such process', async () => {
    expect(await untilSettled(2 ** 22 + 1, RULE, signal)).toBe(false);
  });

  it('ends with its signal, and throws its reason', async () => {
    await withWorker(async (pid) => {
      const controller = new AbortController();
      const settled = untilSettled(pid, RULE, controller.signal);
      controller.abort(new Error('enough'));
      await expect(settled).rejects.toThrow('enough');
    });
  });
});
