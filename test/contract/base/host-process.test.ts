import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { startHostProcess } from '../../../src/base/host-process.ts';
import { minimalEnv } from '../../../src/base/subprocess.ts';

const forever = new AbortController().signal;
const sh = (script: string, how: { readonly signal?: AbortSignal; readonly graceMs?: number } = {}) =>
  startHostProcess({ argv: ['/bin/sh', '-c', script], env: minimalEnv(), signal: forever, ...how });

describe('startHostProcess', () => {
  it('gives both outputs and how it ended', async () => {
    const child = sh('echo out; echo err >&2; exit 3');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect([stdout, stderr, await child.ended]).toEqual(['out\n', 'err\n', { exitCode: 3, endSignal: null }]);
  });

  it('has the environment that it is given and nothing of ours', async () => {
    const child = startHostProcess({ argv: ['/usr/bin/env'], env: { ONLY: 'this' }, signal: forever });
    child.stderr.resume();
    expect(await text(child.stdout)).toBe('ONLY=this\n');
  });

  it('lets an aborted program end by itself, and tells the reason once it is gone', async () => {
    const controller = new AbortController();
    const child = sh('trap "echo bye >&2; exit 0" TERM; echo ready; while :; do sleep 0.05; done', {
      signal: controller.signal,
    });
    child.stderr.resume();
    child.stdout.once('data', () => {
      controller.abort(new Error('enough'));
    });
    await expect(child.ended).rejects.toThrow('enough');
  });

  it('kills one that does not', async () => {
    const controller = new AbortController();
    const child = sh('trap "" TERM; echo ready; while :; do sleep 0.05; done', {
      signal: controller.signal,
      graceMs: 50,
    });
    child.stderr.resume();
    child.stdout.once('data', () => {
      controller.abort(new Error('enough'));
    });
    await expect(child.ended).rejects.toThrow('enough');
  });

  it('does not wait for what a stopped program has left behind', async () => {
    const child = sh('sleep 600 & echo $!; wait');
    child.stderr.resume();
    let pid = 0;
    child.stdout.once('data', (bytes: Buffer) => {
      pid = Number(bytes.toString());
      child.stop();
    });
    expect(await child.ended).toEqual({ exitCode: null, endSignal: 'SIGTERM' });
    process.kill(pid, 'SIGKILL');
  });

  it('tells that there is no such program, and starts none for an aborted signal', async () => {
    const missing = startHostProcess({ argv: ['/nowhere/program'], env: {}, signal: forever });
    await expect(missing.ended).rejects.toThrow(/no such program/);
    expect(() => sh('exit', { signal: AbortSignal.abort(new Error('late')) })).toThrow('late');
  });
});
