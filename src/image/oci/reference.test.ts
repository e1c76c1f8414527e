import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../errors.ts';
import { formatReference, isLoopback, parseReference, registryOrigin } from './reference.ts';

const SHA256 = `sha256:${'a1'.repeat(32)}`;
const SHA512 = `sha512:${'b2'.repeat(64)}`;

describe('parseReference', () => {
  it.each([
    ['python', 'docker.io/library/python:latest'],
    ['python:3.12', 'docker.io/library/python:3.12'],
    ['docker.io/library/python', 'docker.io/library/python:latest'],
    ['index.docker.io/python', 'docker.io/library/python:latest'],
    ['Docker.IO/python', 'docker.io/library/python:latest'],
    ['me/app', 'docker.io/me/app:latest'],
    [`ghcr.io/a/b:tag@${SHA256}`, `ghcr.io/a/b:tag@${SHA256}`],
    [`python@${SHA512}`, `docker.io/library/python@${SHA512}`],
    ['localhost:5000/x', 'localhost:5000/x:latest'],
    ['localhost/x', 'localhost/x:latest'],
    ['127.0.0.1:5000/x/y/z:v1', '127.0.0.1:5000/x/y/z:v1'],
    ['[::1]:5000/x', '[::1]:5000/x:latest'],
    ['reg.example.com/a__b/c.d/e---f:_T.-', 'reg.example.com/a__b/c.d/e---f:_T.-'],
    ['host:80/a', 'host:80/a:latest'],
  ])('takes %j as %j', (text, canonical) => {
    expect(formatReference(parseReference(text))).toBe(canonical);
  });

  it.each([
    [''],
    [' python'],
    ['python '],
    ['Python'],
    ['-python'],
    ['Z/a'],
    ['a//b'],
    ['/a'],
    ['a/'],
    ['../a'],
    ['a/../b'],
    ['a:'],
    ['a:b:c'],
    [`a:${'t'.repeat(129)}`],
    ['a@'],
    ['a@sha256:12'],
    [`a@${SHA256.toUpperCase()}`],
    [`a@md5:${'a'.repeat(32)}`],
    [`a@${SHA256}@${SHA256}`],
    ['http://ghcr.io/a'],
    ['user@ghcr.io/a'],
    ['ghcr.io:0/a'],
    ['ghcr.io:65536/a'],
    ['ghcr..io/a'],
    ['1.2/a'],
    ['999.0.0.1/a'],
    ['0x7f.0.0.1/a'],
    ['[:::::]/a'],
    ['[0::1]/a'],
    ['-ghcr.io/a'],
    ['[::1/a'],
    ['localhost:5000/'],
    ['a\nb'],
    ['a?b'],
    ['a%2fb'],
    ['a'.repeat(300)],
    ['a'.repeat(2_000)],
    [undefined],
    [7],
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    );
  });

  it('gives a canonical form that means the same, whatever it was given', () => {
    fc.assert(
      fc.property(reference, (text) => {
        const parsed = parseReference(text);
        expect(parseReference(formatReference(parsed))).toEqual(parsed);
        // Every part is one of a URL: nothing can leave its place.
        const path = `/v2/${parsed.repository}/manifests/${parsed.digest ?? parsed.tag ?? ''}`;
        const url = new URL(path, registryOrigin(parsed));
        expect(url.pathname).toBe(path);
        expect(url.username + url.password + url.search + url.hash).toBe('');
      }),
      { numRuns: 200 },
    );
  });

  it('refuses any other text in its own way', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
          fc.string({ unit: fc.constantFrom('a', 'Z', '0', '9', ':', '/', '@', '.', '-', '_', '[', ']') }),
        ),
        (text) => {
          try {
            const parsed = parseReference(text);
            expect(parseReference(formatReference(parsed))).toEqual(parsed);
          } catch (error) {
            if (!isSmolVMError(error, 'INVALID_ARGUMENT')) throw error;
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes no longer for names made to be slow', () => {
    const startedAt = performance.now();
    for (const text of ['a-'.repeat(500), `${'a.'.repeat(500)}/a`, '-'.repeat(1_000), 'a_'.repeat(500)])
      expect(() => parseReference(text)).toThrow();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

describe('registryOrigin', () => {
  it.each([
    ['python', 'https://registry-1.docker.io'],
    ['ghcr.io/a/b', 'https://ghcr.io'],
    ['localhost:5000/x', 'http://localhost:5000'],
    ['localhost.example.com/x', 'https://localhost.example.com'],
    ['127.0.0.1.example.com/x', 'https://127.0.0.1.example.com'],
    ['[::1]:81/x', 'http://[::1]:81'],
    ['192.168.0.1:5000/x', 'https://192.168.0.1:5000'],
  ])('of %j is %j', (text, origin) => {
    expect(registryOrigin(parseReference(text))).toBe(origin);
  });

  it('knows this machine with and without a port', () => {
    expect(isLoopback('localhost')).toBe(true);
    expect(isLoopback('[::1]')).toBe(true);
    expect(isLoopback('localhost:x')).toBe(false);
  });
});

const component = fc.stringMatching(/^[a-z0-9]{1,8}((_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
const reference = fc
  .record({
    registry: fc.constantFrom(
      '',
      'ghcr.io/',
      'localhost:5000/',
      '[::1]/',
      'REG.example.com:443/',
      'docker.io/',
    ),
    path: fc.array(component, { minLength: 1, maxLength: 4 }),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/), { nil: undefined }),
    digest: fc.constantFrom(undefined, SHA256, SHA512),
  })
  .map(
    ({ registry, path, tag, digest }) =>
      `${registry}${path.join('/')}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`,
  );
