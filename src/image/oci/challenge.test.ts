import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenge } from './challenge.ts';

const bearer = {
  scheme: 'bearer',
  realm: 'https://auth.example.com/token',
  service: 'registry',
  scope: 'repository:a/b:pull',
};

describe('parseChallenge', () => {
  it.each([
    ['Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull"', bearer],
    [
      'bearer  Realm = "https://auth.example.com/token" , service=registry,\tscope="repository:a/b:pull"',
      bearer,
    ],
    [
      'Basic realm="x, y", Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull"',
      bearer,
    ],
    [
      'Bearer realm="https://x/\\"q\\""',
      { scheme: 'bearer', realm: 'https://x/"q"', service: undefined, scope: undefined },
    ],
    ['Basic realm="a registry"', { scheme: 'basic' }],
    ['Basic', { scheme: 'basic' }],
    ['Negotiate, Basic realm="x"', { scheme: 'basic' }],
    ['Bearer service="without realm"', undefined],
    ['Digest realm="x"', undefined],
    ['Bearer realm="unclosed', undefined],
    ['', undefined],
    [`Bearer realm="${'a'.repeat(9_000)}"`, undefined],
    [null, undefined],
  ])('of %j', (header, expected) => {
    expect(parseChallenge(header)).toEqual(expected);
  });

  it('comes to an end with any header', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('Bearer ', 'realm=', '"', '\\', ',', '=', ' ', 'Basic'),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        parseChallenge(parts.join(''));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is not slow with headers made to be', () => {
    const startedAt = performance.now();
    for (const text of ['Bearer ,', 'a=', '"\\', ' ', ',', 'a ', 'Bearer realm="', 'a="b",', 'a = '])
      parseChallenge(text.repeat(8_000 / text.length));
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
