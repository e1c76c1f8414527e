import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../errors.ts';
import { envVarsSchema, MAX_ENV_BYTES } from './env-vars.ts';
import { parseWith } from './parse.ts';

const SECRET = 'hunter2';

function problemsOf(input: unknown): readonly string[] {
  try {
    parseWith(envVarsSchema, input, 'variables');
    return [];
  } catch (error) {
    if (error instanceof ValidationError) return error.problems;
    throw error;
  }
}

describe('variables', () => {
  it.each(['', '1A', 'A=B', 'A B', 'A-B', 'Ä', 'A\n'])('are refused with the name %j', (name) => {
    expect(problemsOf({ [name]: 'x' })).toHaveLength(1);
  });

  it.each(['_A1', 'a', '_', 'PATH', 'constructor', 'prototype', 'toString'])(
    'may have the name %j',
    (name) => {
      expect(parseWith(envVarsSchema, { [name]: 'x' }, 'variables')).toEqual({ [name]: 'x' });
    },
  );

  it('may have the name __proto__, and lose no other for it', () => {
    const input: unknown = JSON.parse('{"__proto__":"x","A":"1"}');
    const env = parseWith(envVarsSchema, input, 'variables');
    expect(Object.entries(env)).toEqual([
      ['__proto__', 'x'],
      ['A', '1'],
    ]);
  });

  it('have values of any text but NUL', () => {
    const env = { A: '', B: 'line\nline', C: '$x "\'', D: 'ü😀' };
    expect(parseWith(envVarsSchema, env, 'variables')).toEqual(env);
    expect(problemsOf({ A: 'a\0b' })).toEqual(['A: expected text without NUL bytes']);
    expect(problemsOf({ A: 5 })).toEqual(['A: expected text, received a value of type number']);
  });

  it('have at most 1 MiB in all', () => {
    expect(problemsOf({ A: 'x'.repeat(MAX_ENV_BYTES - 3) })).toEqual([]);
    expect(problemsOf({ A: 'x'.repeat(MAX_ENV_BYTES - 2) })).toEqual([
      'expected at most 1048576 bytes in all, received 1048577',
    ]);
  });

  it.each([
    `TOKEN=${SECRET}`,
    [`TOKEN=${SECRET}`],
    new Map([['TOKEN', SECRET]]),
    { [`TOKEN=${SECRET}`]: SECRET },
    { TOKEN: `${SECRET}\0` },
    { 'NOT-A-NAME': SECRET },
    { TOKEN: [SECRET] },
    { TOKEN: { value: SECRET } },
  ])('never show a value in an error: case %#', (input) => {
    const problems = problemsOf(input);
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toContain(SECRET);
  });

  it('are copied and frozen, or refused without a word of their values, whatever they are', () => {
    const value = fc.oneof(fc.string(), fc.constant(`${SECRET}\0`), fc.constant([SECRET]), fc.integer());
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.stringMatching(/^[A-Z_]{1,5}$/), fc.string()), value),
        (input) => {
          const problems = problemsOf(input);
          expect(problems.join()).not.toContain(SECRET);
          if (problems.length > 0) return;
          const env = parseWith(envVarsSchema, input, 'variables');
          expect({ ...env }).toEqual({ ...input });
          expect(Object.isFrozen(env)).toBe(true);
        },
      ),
    );
  });
});
