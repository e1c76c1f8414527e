import { describe, expect, it } from 'vitest';
import type { Descriptor } from './documents.ts';
import { choosePlatform, parsePlatform, requirePlatform } from './platform.ts';

/** Entries of an index, told apart by their size. */
function entries(...platforms: readonly (string | null)[]): readonly Descriptor[] {
  return platforms.map((name, index) => {
    const [os = '', architecture = '', variant = ''] = name?.split('/') ?? [];
    const platform = name === null ? null : { os, architecture, variant };
    return {
      mediaType: 'm',
      digest: `sha256:${'0'.repeat(64)}`,
      size: index,
      urls: [],
      annotations: {},
      platform,
    };
  });
}

describe('choosePlatform', () => {
  it.each([
    ['the architecture', ['linux/arm64', 'linux/amd64'], 'linux/amd64', 1],
    ['the operating system', ['windows/amd64', 'linux/amd64'], 'linux/amd64', 1],
    ['the first of equals', ['linux/amd64', 'linux/amd64'], 'linux/amd64', 0],
    ['the plain amd64', ['linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64'], 'linux/amd64', 2],
    ['amd64/v1', ['linux/amd64/v2', 'linux/amd64/v1'], 'linux/amd64', 1],
    ['arm64/v8', ['linux/arm/v7', 'linux/arm64/v9', 'linux/arm64', 'linux/arm64/v8'], 'linux/arm64', 3],
    ['arm64 without variant', ['linux/arm64/v9', 'linux/arm64'], 'linux/arm64', 1],
    ['what says nothing, last', [null, 'linux/amd64'], 'linux/amd64', 1],
    ['what says nothing', ['linux/arm64', null], 'linux/amd64', 1],
  ] as const)('chooses %s', (_what, offered, platform, expected) => {
    expect(choosePlatform(entries(...offered), platform, 'x').size).toBe(expected);
  });

  it('names what there is', () => {
    const offered = entries(
      'linux/arm64/v8',
      'linux/s390x',
      'linux/s390x',
      'unknown/unknown',
      'linux/amd64/v3',
    );
    expect(() => choosePlatform(offered, 'linux/amd64', 'x')).toThrow(
      expect.objectContaining({
        code: 'IMAGE_INVALID',
        message: 'x has nothing for linux/amd64: it offers linux/arm64/v8, linux/s390x, linux/amd64/v3',
      }) as Error,
    );
  });

  it('names neither too much nor what would change a terminal', () => {
    const many = entries(...Array.from({ length: 100 }, (_, index) => `linux/\x1b[31m${String(index)}`));
    expect(() => choosePlatform(many, 'linux/amd64', 'x')).toThrow(
      /linux\/\\x1b\[31m0, .*linux\/\\x1b\[31m15, …$/,
    );
    expect(() => choosePlatform([], 'linux/amd64', 'x')).toThrow(/offers nothing/);
  });
});

describe('requirePlatform', () => {
  it.each([
    ['amd64', '', true],
    ['amd64', 'v2', false],
    ['arm64', '', false],
  ])('of %s/%s is %s', (architecture, variant, isGood) => {
    const require = (): void => {
      requirePlatform({ os: 'linux', architecture, variant }, 'linux/amd64', 'x');
    };
    if (isGood) expect(require).not.toThrow();
    else expect(require).toThrow(/nothing for linux\/amd64/);
  });
});

describe('parsePlatform', () => {
  it('takes what we can run', () => {
    expect(parsePlatform('linux/arm64')).toBe('linux/arm64');
    for (const value of ['linux/386', 'windows/amd64', '', 1, undefined])
      expect(() => parsePlatform(value)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
      );
  });
});
