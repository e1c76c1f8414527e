import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellWords } from './shell-words.ts';

describe('shellWords', () => {
  it('leaves plain words as they are', () => {
    expect(shellWords(['ssh', '-p', '2200', 'root@127.0.0.1'])).toBe('ssh -p 2200 root@127.0.0.1');
  });

  it('is split by a shell into the same words', () => {
    const words = ['a b', "it's", '', '$HOME', '`x`', '"', '\\', '*', '~', '\n', '#c', '-n', 'a;b', "''"];
    const script = `printf '%s\\0' ${shellWords(words)}`;
    expect(execFileSync('/bin/sh', ['-c', script]).toString().split('\0').slice(0, -1)).toEqual(words);
  });
});
