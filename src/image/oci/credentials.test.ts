import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../errors.ts';
import { credentialSource, parseHelperAnswer } from './credentials.ts';

const auth = (text: string): string => Buffer.from(text).toString('base64');
const source = (config: unknown, registry = 'ghcr.io') =>
  credentialSource(JSON.stringify(config), registry, '/home/me/.docker/config.json');

const UNUSABLE = 'registry credentials: /home/me/.docker/config.json holds none that can be understood';

/** The error that it ends with. */
function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('credentialSource', () => {
  it.each([
    [
      'a login',
      { auths: { 'ghcr.io': { auth: auth('me:pass:word') } } },
      { username: 'me', password: 'pass:word' },
    ],
    [
      'a padded login',
      { auths: { 'ghcr.io': { auth: auth('me:x\0\0') } } },
      { username: 'me', password: 'x' },
    ],
    [
      'plain fields',
      { auths: { 'ghcr.io': { username: 'me', password: 'x' } } },
      { username: 'me', password: 'x' },
    ],
    [
      'a URL as the key',
      { auths: { 'https://ghcr.io/v1/': { auth: auth('me:x') } } },
      { username: 'me', password: 'x' },
    ],
    [
      'a refresh token',
      { auths: { 'ghcr.io': { auth: auth('me:'), identitytoken: 't' } } },
      { identityToken: 't' },
    ],
    ['a bearer token', { auths: { 'ghcr.io': { registrytoken: 't' } } }, { registryToken: 't' }],
  ])('finds %s', (_what, config, credentials) => {
    expect(source(config)).toEqual({ kind: 'given', credentials });
  });

  it('knows the names of Docker Hub', () => {
    const config = { auths: { 'https://index.docker.io/v1/': { auth: auth('me:x') } } };
    expect(source(config, 'docker.io')).toMatchObject({ kind: 'given' });
    expect(source({ credsStore: 'pass' }, 'docker.io')).toEqual({
      kind: 'helper',
      helper: 'pass',
      server: 'https://index.docker.io/v1/',
    });
  });

  it.each([
    ['nothing', {}],
    ['null', { auths: null, credHelpers: null, credsStore: null }],
    ['another registry', { auths: { 'quay.io': { auth: auth('me:x') } }, credHelpers: { 'quay.io': 'x' } }],
    ['an entry of which a store keeps the login', { auths: { 'ghcr.io': {} } }],
  ])('finds nothing in %s', (_what, config) => {
    expect(source(config)).toEqual({ kind: 'none' });
  });

  it('asks the helper of the registry before the store, and the store before the file', () => {
    const config = { auths: { 'ghcr.io': { auth: auth('me:x') } }, credsStore: 'store' };
    expect(source(config)).toMatchObject({ kind: 'helper', helper: 'store', server: 'ghcr.io' });
    expect(source({ ...config, credHelpers: { 'ghcr.io': 'own' } })).toMatchObject({ helper: 'own' });
  });

  it.each([
    ['a helper elsewhere', { credsStore: '../../tmp/evil' }],
    ['a helper that is an option', { credsStore: '-x' }],
    ['a helper that is a number', { credHelpers: { 'ghcr.io': 7 } }],
    ['a login without colon', { auths: { 'ghcr.io': { auth: auth('hunter2') } } }],
    ['a login that is a number', { auths: { 'ghcr.io': { auth: 7 } } }],
    ['an entry that is text', { auths: { 'ghcr.io': 'hunter2' } }],
  ])('refuses %s and shows nothing of it', (_what, config) => {
    const error = refusal(() => source(config));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: UNUSABLE });
    expect(inspect(error, { depth: 10 })).not.toMatch(/hunter2|evil/);
  });

  it('shows nothing of a file that is no JSON', () => {
    const error = refusal(() =>
      credentialSource('{"auths": hunter2', 'ghcr.io', '/home/me/.docker/config.json'),
    );
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: UNUSABLE });
    expect(inspect(error, { depth: 10 })).not.toContain('hunter2');
  });

  it('gives or refuses, whatever the file holds', () => {
    const config = fc.record(
      { auths: fc.dictionary(fc.constantFrom('ghcr.io', 'x'), fc.jsonValue()), credsStore: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(config, (value) => {
        try {
          source(value);
        } catch (error) {
          if (!isSmolVMError(error, 'INVALID_ARGUMENT')) throw error;
        }
      }),
    );
  });
});

describe('parseHelperAnswer', () => {
  it('is a password or a token', () => {
    expect(parseHelperAnswer('{"ServerURL":"x","Username":"me","Secret":"s"}', 'h')).toEqual({
      username: 'me',
      password: 's',
    });
    expect(parseHelperAnswer('{"Username":"<token>","Secret":"s"}', 'h')).toEqual({ identityToken: 's' });
    for (const text of ['', 'hunter2', '{"Username":"me"}', '[]'])
      expect(() => parseHelperAnswer(text, 'h')).toThrow(
        /^registry credentials: h holds none that can be understood$/,
      );
  });
});
