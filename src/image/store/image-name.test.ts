import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalName, ownName, shortName } from './image-name.ts';

describe('names of images', () => {
  test.each([
    ['python', 'docker.io/library/python:latest', 'python:latest'],
    ['python:3.12', 'docker.io/library/python:3.12', 'python:3.12'],
    ['docker.io/owner/name', 'docker.io/owner/name:latest', 'owner/name:latest'],
    ['localhost:5000/x', 'localhost:5000/x:latest', 'localhost:5000/x:latest'],
  ])('%s is stored as %s and shown as %s', (written, canonical, short) => {
    expect(canonicalName(written)).toBe(canonical);
    expect(shortName(canonical)).toBe(short);
  });

  test('shown and read again, each is the same', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const name = fc.tuple(
      fc.constantFrom('', 'docker.io/', 'ghcr.io/', 'localhost/'),
      fc.array(part, { minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(name, ([registry, parts]) => {
        const canonical = canonicalName(registry + parts.join('/'));
        expect(canonicalName(shortName(canonical))).toBe(canonical);
      }),
    );
  });

  test("one's own have no digest", () => {
    expect(() => ownName(`x@sha256:${'0'.repeat(64)}`)).toThrow(/without a digest/);
    expect(ownName('x')).toBe('docker.io/library/x:latest');
  });
});
