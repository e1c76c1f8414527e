import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../errors.ts';
import { newVmId, parseVmId } from './vm-id.ts';

describe('parseVmId', () => {
  it.each(['a', '0', 'a-b', 'a--b', '1-2', 'x'.repeat(64)])('takes %s', (id) => {
    expect(parseVmId(id)).toBe(id);
  });

  it.each([
    '',
    'VM1',
    '-a',
    'a-',
    '-',
    'a b',
    'a_b',
    'a.b',
    '..',
    'a/b',
    'a\n',
    'a\0',
    'ä',
    'x'.repeat(65),
    undefined,
    null,
    7,
    ['a'],
    {},
  ])('refuses %j', (id) => {
    expect(() => parseVmId(id)).toThrow(ValidationError);
    expect(() => parseVmId(id)).toThrow(/1 to 64 lowercase letters, digits and hyphens/);
  });

  it('takes only ids that are safe as a folder name and as one word of a command line', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('ab0-./ ,=\n"$')), maxLength: 70 }),
        (text) => {
          try {
            expect(parseVmId(text)).toMatch(/^[a-z0-9][a-z0-9-]*$/);
          } catch (error) {
            expect(error).toBeInstanceOf(ValidationError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('newVmId', () => {
  it('makes a well-formed id, another one each time', () => {
    const ids = Array.from({ length: 50 }, newVmId);
    for (const id of ids) expect(parseVmId(id)).toMatch(/^vm-[0-9a-f]{8}$/);
    expect(new Set(ids).size).toBe(50);
  });
});
