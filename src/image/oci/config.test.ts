import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../errors.ts';
import { parseOciConfig } from './config.ts';

const diffId = `sha256:${'1'.repeat(64)}`;
const full = {
  os: 'linux',
  architecture: 'amd64',
  created: '2024-05-06T07:08:09Z',
  rootfs: { type: 'layers', diff_ids: [diffId] },
  history: [{ created_by: 'sh' }],
  config: {
    Env: ['PATH=/bin:/usr/bin', 'EMPTY=', 'TWO=a=b', 'PATH=/last'],
    WorkingDir: '/srv',
    User: '1000:1000',
    Entrypoint: ['/entry'],
    Cmd: ['serve', '--fast'],
    ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8080': {} },
    Labels: { a: 'b' },
    StopSignal: 'SIGTERM',
  },
};

const parse = (document: unknown) =>
  parseOciConfig(Buffer.from(JSON.stringify(document)), 'the configuration x');

describe('parseOciConfig', () => {
  it('reads what a configuration says', () => {
    const { image, ...rest } = parse(full);
    expect(rest).toEqual({
      platform: { os: 'linux', architecture: 'amd64', variant: '' },
      created: '2024-05-06T07:08:09Z',
      diffIds: [diffId],
    });
    expect(Object.entries(image.env)).toEqual([
      ['PATH', '/last'],
      ['EMPTY', ''],
      ['TWO', 'a=b'],
    ]);
    expect({ ...image, env: {} }).toEqual({
      env: {},
      workdir: '/srv',
      user: '1000:1000',
      entrypoint: ['/entry'],
      cmd: ['serve', '--fast'],
      exposedPorts: ['8080/tcp', '80/tcp', '53/udp'],
    });
  });

  it('takes nothing and null for "says nothing"', () => {
    const empty = { env: {}, workdir: '', user: '', entrypoint: [], cmd: [], exposedPorts: [] };
    const bare = { os: 'linux', architecture: 'arm64', rootfs: { type: 'layers', diff_ids: null } };
    expect(parse(bare)).toMatchObject({ created: undefined, diffIds: [], image: empty });
    const nulls = {
      Env: null,
      WorkingDir: null,
      User: null,
      Entrypoint: null,
      Cmd: null,
      ExposedPorts: null,
    };
    expect(parse({ ...bare, variant: null, created: null, config: nulls }).image).toEqual(empty);
    expect(parse({ ...bare, config: null }).image).toEqual(empty);
  });

  const withConfig = (config: unknown) => ({ ...full, config });
  it.each([
    ['a variable without =', withConfig({ Env: ['SECRET'] })],
    ['a variable without name', withConfig({ Env: ['=x'] })],
    ['a variable with NUL', withConfig({ Env: ['A=\0'] })],
    ['variables as an object', withConfig({ Env: { A: 'b' } })],
    ['a variable that is a number', withConfig({ Env: [1] })],
    ['a variable beyond bounds', withConfig({ Env: [`A=${'a'.repeat(300_000)}`] })],
    ['too many variables', withConfig({ Env: Array.from({ length: 5_000 }, (_, at) => `A${String(at)}=`) })],
    ['a command as text', withConfig({ Cmd: 'sh' })],
    ['an entry point of numbers', withConfig({ Entrypoint: [1] })],
    ['a relative folder', withConfig({ WorkingDir: 'srv' })],
    ['a folder beyond bounds', withConfig({ WorkingDir: `/${'a'.repeat(5_000)}` })],
    ['a user that is a number', withConfig({ User: 0 })],
    ['a user beyond bounds', withConfig({ User: 'a'.repeat(300) })],
    ['a port that is none', withConfig({ ExposedPorts: { 'http/tcp': {} } })],
    ['a configuration that is text', withConfig('x')],
    ['no operating system', { ...full, os: undefined }],
    ['an architecture that is a number', { ...full, architecture: 64 }],
    ['no root file system', { ...full, rootfs: undefined }],
    ['layers of another kind', { ...full, rootfs: { type: 'base', diff_ids: [] } }],
    ['a layer digest that is none', { ...full, rootfs: { type: 'layers', diff_ids: ['sha256:x'] } }],
    ['a list', []],
  ])('refuses %s', (_what, document) => {
    expect(() => parse(document)).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }) as Error);
  });

  it('does not show what may be a secret', () => {
    expect(() => parse(withConfig({ Env: ['hunter2'] }))).toThrow(/config\.Env\.0: expected NAME=value$/);
  });

  it('takes or refuses any JSON, and what it takes is within bounds', () => {
    const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom('A=b', 'PATH=/bin', '=')), { maxLength: 4 });
    const anything = fc.oneof(fc.jsonValue(), texts, fc.string(), fc.constant(null), fc.constant('/x'));
    const config = fc.record(
      {
        Env: anything,
        WorkingDir: anything,
        User: anything,
        Entrypoint: anything,
        Cmd: anything,
        ExposedPorts: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(config, fc.jsonValue()), (value) => {
        try {
          const { image } = parse({ ...full, config: value });
          expect(Object.keys(image.env).every((name) => name !== '' && !name.includes('='))).toBe(true);
          expect(image.workdir === '' || image.workdir.startsWith('/')).toBe(true);
          expect([...image.cmd, ...image.entrypoint].some((text) => text.includes('\0'))).toBe(false);
        } catch (error) {
          if (!isSmolVMError(error, 'IMAGE_INVALID')) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads back any environment that was written', () => {
    const name = fc
      .stringMatching(/^[^=\0]{1,20}$/)
      .filter((text) => !/^(__proto__|prototype|constructor)$/.test(text));
    const env = fc.dictionary(name, fc.stringMatching(/^[^\0]{0,50}$/), { noNullPrototype: true });
    fc.assert(
      fc.property(env, (variables) => {
        const Env = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
        expect(Object.entries(parse(withConfig({ Env })).image.env)).toEqual(Object.entries(variables));
      }),
    );
  });
});
