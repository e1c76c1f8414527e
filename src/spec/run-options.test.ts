import { describe, expect, it } from 'vitest';
import { ValidationError } from '../errors.ts';
import { argvOf, parseSpawnRequest, withDefaults } from './run-options.ts';

describe('parseSpawnRequest', () => {
  it('fills in what is left out', () => {
    expect(parseSpawnRequest({ command: ['ls'] })).toMatchObject({
      command: ['ls'],
      cwd: '',
      user: '',
      env: {},
    });
  });

  it.each([
    { command: 'ls | wc -l' },
    { command: ['ls', ''] },
    { command: ['/bin/printf', '%s', 'ä\n'] },
    { command: ['ls'], env: { _A1: '', PATH: '/bin' }, cwd: '/tmp', user: '0:0' },
    { command: ['ls'], timeoutMs: 1, maxOutputBytes: 0 },
    { command: ['ls'], timeoutMs: 2 ** 31 - 1, maxOutputBytes: Number.MAX_SAFE_INTEGER },
  ])('takes %j', (input) => {
    expect(parseSpawnRequest(input)).toMatchObject(input);
  });

  it.each([
    { command: '' },
    { command: '  \n' },
    { command: 'a\0b' },
    { command: [] },
    { command: [''] },
    { command: ['ls', 'a\0b'] },
    { command: ['ls', 5] },
    { command: 5 },
    {},
    { command: ['ls'], timeoutMs: 0 },
    { command: ['ls'], timeoutMs: 1.5 },
    { command: ['ls'], timeoutMs: 2 ** 31 },
    { command: ['ls'], maxOutputBytes: -1 },
    { command: ['ls'], maxOutputBytes: 0.5 },
    { command: ['ls'], maxOutputBytes: 2 ** 53 },
    { command: ['ls'], cwd: 'a\0' },
    { command: ['ls'], user: 'root\0' },
    { command: ['ls'], env: { '1A': 'x' } },
    { command: ['ls'], env: { 'A=B': 'x' } },
    { command: ['ls'], env: { '': 'x' } },
    { command: ['ls'], env: { A: 'x\0' } },
    { command: ['ls'], env: { A: 1 } },
    { command: ['ls'], env: 'A=1' },
  ])('refuses %j', (input) => {
    expect(() => parseSpawnRequest(input)).toThrow(ValidationError);
  });

  it('keeps variables whose names mean something to JavaScript', () => {
    const env = Object.fromEntries(['constructor', 'prototype', '__proto__'].map((name) => [name, 'kept']));
    expect(Object.entries(parseSpawnRequest({ command: ['ls'], env }).env)).toEqual(Object.entries(env));
  });

  it('reports several problems at once', () => {
    const parse = (): unknown => parseSpawnRequest({ command: [], timeoutMs: 0, env: { '1': 'x' } });
    expect(parse).toThrow(
      expect.objectContaining({ problems: expect.objectContaining({ length: 3 }) as unknown }),
    );
  });
});

describe('argvOf', () => {
  it('gives a string to the login shell and leaves an array as it is', () => {
    expect(argvOf('echo $HOME')).toEqual(['/bin/sh', '-lc', 'echo $HOME']);
    expect(argvOf(['echo', '$HOME'])).toEqual(['echo', '$HOME']);
  });
});

describe('withDefaults', () => {
  const nothing = { env: {}, cwd: '', user: '' };
  const defaults = { env: { PATH: '/image', HOME: '/h' }, workdir: '/srv', user: 'app' };

  it('gives what the image says to a command that says nothing', () => {
    expect(withDefaults(nothing, defaults)).toEqual({ env: defaults.env, cwd: '/srv', user: 'app' });
    expect(withDefaults(nothing, null)).toEqual(nothing);
  });

  it('prefers what the command says, each variable for itself', () => {
    const said = { env: { PATH: '/mine', A: '' }, cwd: '/', user: 'root' };
    expect(withDefaults(said, defaults)).toEqual({ ...said, env: { PATH: '/mine', HOME: '/h', A: '' } });
    expect(withDefaults(said, null)).toEqual(said);
  });
});
