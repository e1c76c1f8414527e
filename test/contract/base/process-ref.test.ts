import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { poll } from '../../../src/base/poll.ts';
import {
  findProcesses,
  hostBootId,
  isAlive,
  ownProcessRef,
  processRef,
  signalProcess,
  waitForExit,
} from '../../../src/base/process-ref.ts';

const never = new AbortController().signal;

/** A child that lives until it is killed. `name` may hold what makes /proc/PID/stat hard to read. */
function startChild(...marks: readonly string[]): {
  readonly pid: number;
  readonly end: () => Promise<void>;
} {
  const child = spawn('/bin/sh', ['-c', 'read line', 'child', ...marks], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  if (child.pid === undefined) throw new Error('no shell');
  const ended = once(child, 'exit');
  return {
    pid: child.pid,
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('a process reference', () => {
  it('of this process is alive', () => {
    const own = ownProcessRef();
    expect(own.pid).toBe(process.pid);
    expect(own.bootId).toBe(hostBootId());
    expect(isAlive(own)).toBe(true);
    expect(processRef(process.pid)).toEqual(own);
  });

  it('is dead once the process has ended', async () => {
    const child = startChild();
    const ref = processRef(child.pid);
    expect(ref !== undefined && isAlive(ref)).toBe(true);
    await child.end();
    expect(ref !== undefined && isAlive(ref)).toBe(false);
    expect(processRef(child.pid)).toBeUndefined();
  });

  it('does not take another process with the same pid for its own', () => {
    const own = ownProcessRef();
    const older = { ...own, startTicks: own.startTicks - 1 };
    expect(isAlive(older)).toBe(false);
    expect(signalProcess(older, 'SIGKILL')).toBe(false);
    expect(isAlive({ ...own, bootId: 'another boot' })).toBe(false);
  });

  it('counts a zombie as dead', async () => {
    // The shell becomes a program that never asks how its child ended; the child ends only after that.
    const child = 'until [ "$(cat /proc/$PPID/comm)" = tail ]; do sleep 0.01; done';
    const parent = spawn('/bin/sh', ['-c', `sh -c '${child}' & echo $!; exec tail -f /dev/null`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      await poll(
        () => (readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ') ? true : undefined),
        1,
        never,
      );
      expect(processRef(pid)).toBeUndefined();
    } finally {
      const ended = once(parent, 'exit');
      parent.kill('SIGKILL');
      await ended;
    }
  });

  it('is read also when the name of the program holds brackets and spaces', async () => {
    const code = `require('fs').writeFileSync('/proc/self/comm', 'a) Z 1 (b'); process.stdin.resume(); console.log()`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const ref = processRef(child.pid ?? 0);
    expect(ref?.startTicks).toBeGreaterThanOrEqual(ownProcessRef().startTicks);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });

  it('can be signalled and waited for', async () => {
    const child = startChild();
    const ref = processRef(child.pid);
    if (ref === undefined) throw new Error('no child');
    expect(signalProcess(ref, 'SIGKILL')).toBe(true);
    await waitForExit(ref, never);
    expect(isAlive(ref)).toBe(false);
    expect(signalProcess(ref, 'SIGKILL')).toBe(false);
    await child.end().catch(() => undefined);
  });

  it('stops waiting when the signal aborts', async () => {
    const reason = new Error('enough');
    await expect(waitForExit(ownProcessRef(), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('findProcesses', () => {
  it('finds by one whole argument and nothing else', async () => {
    const mark = `smolvm-test:${process.pid}:a`;
    const children = [startChild(mark), startChild(`${mark}b`), startChild(mark, 'more')];
    try {
      const found = findProcesses(mark).map(({ pid }) => pid);
      expect(found.sort()).toEqual([children[0]?.pid, children[2]?.pid].sort());
    } finally {
      await Promise.all(children.map(({ end }) => end()));
    }
    expect(findProcesses(mark)).toEqual([]);
  });
});
