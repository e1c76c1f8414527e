import { describe, expect, it } from 'vitest';
import type { GuestExit } from '../../guest/guest-channel.ts';
import { commandResult } from './command-result.ts';
import { CommandOutput } from './command-output.ts';

const usage = { cpuMs: 1.5, peakRssKib: 900, outputHeldOpen: false };

function resultOf(exit: GuestExit, output = new CommandOutput(100)): ReturnType<typeof commandResult> {
  return commandResult(['sh'], exit, output, 12);
}

describe('commandResult', () => {
  it('tells code, output, time and usage', () => {
    const output = new CommandOutput(100);
    void output.add('stdout', Buffer.from('out\n'));
    void output.add('stderr', Buffer.from('err\n'));
    expect(resultOf({ kind: 'exited', exitCode: 0, ...usage }, output)).toEqual({
      argv: ['sh'],
      exitCode: 0,
      signal: null,
      ok: true,
      stdout: 'out\n',
      stderr: 'err\n',
      output: 'out\nerr\n',
      stdoutBytes: Buffer.from('out\n'),
      stderrBytes: Buffer.from('err\n'),
      truncated: false,
      durationMs: 12,
      cpuMs: 1.5,
      peakRssKib: 900,
    });
  });

  it('is not ok for any code but 0', () => {
    for (const exitCode of [1, 127, 255]) {
      expect(resultOf({ kind: 'exited', exitCode, ...usage })).toMatchObject({
        ok: false,
        exitCode,
        signal: null,
      });
    }
  });

  it.each([
    ['SIGKILL', 137],
    ['SIGTERM', 143],
    ['SIG34', 162],
  ])('reports %s as a shell does: %i', (signal, exitCode) => {
    expect(resultOf({ kind: 'signaled', signal, ...usage })).toMatchObject({ ok: false, exitCode, signal });
  });

  it('says that output was left out', () => {
    const output = new CommandOutput(2);
    void output.add('stderr', Buffer.from('abc'));
    expect(resultOf({ kind: 'exited', exitCode: 0, ...usage }, output)).toMatchObject({
      truncated: true,
      stderr: 'ab',
    });
  });
});
