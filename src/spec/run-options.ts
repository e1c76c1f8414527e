import * as v from 'valibot';
import { parseWith } from './parse.ts';

/** Names of environment variables: shell identifiers. */
export const ENV_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The longest wait that Node's timers can do in one piece, about 24.8 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const noNul = (what: string) =>
  v.pipe(v.string(`expected ${what}`), v.regex(/^[^\0]*$/, `expected ${what} without NUL bytes`));

/** Milliseconds of a timeout: a whole number above 0. */
export const timeoutMsSchema = v.pipe(
  v.number('expected milliseconds'),
  v.integer('expected whole milliseconds'),
  v.minValue(1, 'expected at least 1 ms'),
  v.maxValue(MAX_TIMEOUT_MS, `expected at most ${String(MAX_TIMEOUT_MS)} ms`),
);

const commandSchema = v.union(
  [
    v.pipe(noNul('a command'), v.regex(/\S/, 'expected a command that is not blank')),
    v.pipe(
      v.array(noNul('an argument')),
      v.minLength(1, 'expected at least a program'),
      v.check((argv) => argv[0] !== '', 'expected the name of a program'),
    ),
  ],
  'expected a command: a string for the shell, or an array of program and arguments',
);

const runSchema = v.object({
  command: commandSchema,
  timeoutMs: v.optional(timeoutMsSchema),
  cwd: v.optional(noNul('a folder'), ''),
  user: v.optional(noNul('a user'), ''),
  env: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(ENV_NAME_PATTERN, 'expected the name of a variable')),
      noNul('a value'),
    ),
    {},
  ),
  maxOutputBytes: v.optional(
    v.pipe(
      v.number('expected bytes'),
      v.safeInteger('expected whole bytes'),
      v.minValue(0, 'expected at least 0'),
    ),
  ),
});

/** A command and its plain options, parsed. */
export type RunRequest = Readonly<v.InferOutput<typeof runSchema>>;

/** Parses what `run` is given, all but streams and callbacks. */
export function parseRunRequest(input: unknown): RunRequest {
  return parseWith(runSchema, input, 'command');
}

/** A string is for the login shell of the guest, an array is run as it is. */
export function argvOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? ['/bin/sh', '-lc', command] : command;
}
