import fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { formatEnvFile, parseEnvFile } from './env-script.ts';

const names = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
  .filter((name) => !['__proto__', '_'].includes(name));
const values = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));

describe('the script of variables', () => {
  it('gives the variables back that it was made of', () => {
    fc.assert(
      fc.property(fc.dictionary(names, values), (variables) => {
        expect(parseEnvFile(formatEnvFile(variables))).toEqual({ ...variables });
      }),
    );
  });

  it.each([
    "it's",
    '"',
    '$HOME `id` $(id) \\',
    'a\nb\n',
    ' ',
    '',
    'grüße ✓',
    "'",
    "'''",
    'x'.repeat(100 * 1024),
  ])('means the same to a real shell: %j', (value) => {
    const script = `${formatEnvFile({ SMOLVM_TEST: value })}printf %s "$SMOLVM_TEST"`;
    expect(spawnSync('/bin/sh', ['-s'], { input: script, encoding: 'utf8' }).stdout).toBe(value);
  });

  it('refuses what it did not write', () => {
    for (const line of ['rm -rf /\n', "export A='b' C\n", 'export A=b\n', "export A='b", "export 1A='b'\n"]) {
      expect(() => parseEnvFile(line), line).toThrow(/changed by hand/);
    }
    expect(parseEnvFile("# a comment\n\nexport A='b'\n")).toEqual({ A: 'b' });
  });
});
