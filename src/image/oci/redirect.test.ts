import { describe, expect, it } from 'vitest';
import { redirectTarget } from './redirect.ts';

const REGISTRY = 'https://registry.example.com/v2/a/blobs/x';

describe('redirectTarget', () => {
  it.each([
    [REGISTRY, 'https://cdn.example.org/y?sig=1', 'https://cdn.example.org/y?sig=1'],
    [REGISTRY, '/other', 'https://registry.example.com/other'],
    ['http://localhost:5000/v2/', 'http://127.0.0.1:6000/y', 'http://127.0.0.1:6000/y'],
    ['http://localhost:5000/v2/', 'https://cdn.example.org/y', 'https://cdn.example.org/y'],
  ])('from %s to %s', (from, location, target) => {
    expect(redirectTarget(new URL(from), location).href).toBe(target);
  });

  it.each([
    [REGISTRY, 'http://registry.example.com/y'],
    [REGISTRY, 'http://127.0.0.1/y'],
    [REGISTRY, 'https://localhost:8443/y'],
    [REGISTRY, 'https://0x7f000001/y'],
    [REGISTRY, 'https://[::1]/y'],
    [REGISTRY, 'file:///etc/passwd'],
    [REGISTRY, 'data:text/plain,x'],
    [REGISTRY, 'https://me:secret@cdn.example.org/y'],
    [REGISTRY, 'http://['],
    [REGISTRY, null],
    ['http://localhost:5000/v2/', 'http://registry.example.com/y'],
    ['http://localhost:5000/v2/', 'ftp://localhost/y'],
  ])('from %s not to %s', (from, location) => {
    expect(() => redirectTarget(new URL(from), location)).toThrow(
      expect.objectContaining({
        code: 'IMAGE_INVALID',
        message: expect.not.stringContaining('secret') as unknown,
      }) as Error,
    );
  });
});
