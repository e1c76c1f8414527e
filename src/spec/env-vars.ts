import * as v from 'valibot';
import { isRecord, kindOf, NOT_SHOWN, shown } from './parse.ts';
import { ENV_NAME_PATTERN } from './run-options.ts';

/** Variables of a guest: names are shell identifiers, values are text without NUL. */
export type EnvVars = Readonly<Record<string, string>>;

/** Names and values together, each with the `=` and the NUL that it has in an environment. */
export const MAX_ENV_BYTES = 1024 * 1024;

/** What an environment value may be, for the validator and for the JSON Schema. */
export const ENV_VALUE_PATTERN = /^[^\u0000]*$/;

interface Problem {
  readonly name?: string;
  readonly message: string;
}

/**
 * Variables of a guest → a frozen copy. Values are never shown, not even where the whole is no object or a name is
 * broken: who writes `"TOKEN=secret"` for a name has put the secret there.
 */
export const envVarsSchema = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, EnvVars>(({ dataset: { value: input }, addIssue, NEVER }) => {
    const problems = problemsOf(input);
    for (const { name, message } of problems) {
      const path = name === undefined ? {} : { path: pathTo(name) };
      addIssue({ message, input: NOT_SHOWN, ...path });
    }
    // `fromEntries` and not assignment: `__proto__` is a name like any other.
    return problems.length > 0 ? NEVER : Object.freeze(Object.fromEntries(Object.entries(input as EnvVars)));
  }),
);

function problemsOf(input: unknown): readonly Problem[] {
  if (!isRecord(input))
    return [{ message: `expected an object of names and values, received ${kindOf(input)}` }];
  const problems = Object.entries(input).flatMap(([name, value]) => problemOf(name, value));
  const sizeBytes = envBytes(input);
  if (sizeBytes <= MAX_ENV_BYTES) return problems;
  const message = `expected at most ${String(MAX_ENV_BYTES)} bytes in all, received ${String(sizeBytes)}`;
  return [...problems, { message }];
}

function problemOf(name: string, value: unknown): readonly Problem[] {
  if (!ENV_NAME_PATTERN.test(name)) {
    const rule = 'expected names of letters, digits and underscores that do not begin with a digit';
    return [{ message: `${rule}, received ${shown(name.replace(/=[^]*$/, '=…'))}` }];
  }
  if (typeof value !== 'string') return [{ name, message: `expected text, received ${kindOf(value)}` }];
  return ENV_VALUE_PATTERN.test(value) ? [] : [{ name, message: 'expected text without NUL bytes' }];
}

function envBytes(env: Readonly<Record<string, unknown>>): number {
  return Object.entries(env).reduce(
    (total, [name, value]) =>
      total + Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 0) + 2,
    0,
  );
}

function pathTo(name: string): [v.ObjectPathItem] {
  return [{ type: 'object', origin: 'value', input: {}, key: name, value: NOT_SHOWN }];
}
