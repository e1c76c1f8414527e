import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { sshCommandLine } from './ssh-command-line.ts';

describe('sshCommandLine', () => {
  it('is the client alone for a login shell', () => {
    expect(sshCommandLine(['ssh', 'host'], [])).toEqual(['ssh', 'host']);
  });

  it('is one text more, which the shell of the guest splits into the words again', () => {
    const words = ['a b', "it's", '', '$HOME', '`x`', '"', '\\', '*', '-n', 'a;b'];
    const [, text = ''] = sshCommandLine(['ssh'], ['printf', String.raw`%s\0`, ...words]);
    expect(execFileSync('/bin/sh', ['-c', text]).toString().split('\0').slice(0, -1)).toEqual(words);
  });
});
