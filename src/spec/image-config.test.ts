import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { EMPTY_IMAGE_CONFIG, imageConfigSchema, type ImageConfig } from './image-config.ts';

const full: ImageConfig = {
  env: { PATH: '/bin', 'my.name': 'a\nb', EMPTY: '' },
  workdir: '/srv',
  user: '1000:1000',
  entrypoint: ['/entry', ''],
  cmd: ['serve'],
  exposedPorts: ['80/tcp', '53/udp'],
};

describe('imageConfigSchema', () => {
  it('keeps variables whose names mean something to JavaScript', () => {
    const env = Object.fromEntries(['constructor', 'prototype', '__proto__'].map((name) => [name, 'kept']));
    expect(Object.entries(v.parse(imageConfigSchema, { ...full, env }).env)).toEqual(Object.entries(env));
  });

  it.each([EMPTY_IMAGE_CONFIG, full])('takes what is complete', (config) => {
    expect(v.parse(imageConfigSchema, config)).toEqual(config);
  });

  it.each([
    [{ ...full, env: { 'A=B': '' } }],
    [{ ...full, env: { '': '' } }],
    [{ ...full, env: { A: '\0' } }],
    [{ ...full, env: { A: 1 } }],
    [{ ...full, env: { A: 'a'.repeat(300_000) } }],
    [{ ...full, env: Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`A${String(at)}`, ''])) }],
    [{ ...full, workdir: 'srv' }],
    [{ ...full, workdir: `/${'a'.repeat(4_095)}` }],
    [{ ...full, user: 'a'.repeat(257) }],
    [{ ...full, entrypoint: ['\0'] }],
    [{ ...full, entrypoint: 'sh' }],
    [{ ...full, cmd: new Array<string>(5_000).fill('') }],
    [{ ...full, cmd: ['a'.repeat(300_000)] }],
    [{ ...full, exposedPorts: ['80'] }],
    [{ ...full, exposedPorts: ['80/http'] }],
    [{ ...full, labels: {} }],
    [{ env: {} }],
    [null],
  ])('refuses what breaks a bound (case %#)', (config) => {
    expect(v.is(imageConfigSchema, config)).toBe(false);
  });
});
