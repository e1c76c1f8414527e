import * as v from 'valibot';
import { parseWith, textRecord } from './parse.ts';
import type { CommandDefaults } from './image-config.ts';

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

/** Rows or columns, as the guest's kernel stores them. */
const terminalSide = v.pipe(
  v.number('expected a number of characters'),
  v.integer('expected a whole number'),
  v.minValue(1, 'expected at least 1'),
  v.maxValue(65_535, 'expected at most 65535'),
);
const terminalSizeSchema = v.strictObject({ rows: terminalSide, columns: terminalSide });

const execIdSchema = v.pipe(
  v.string('expected the name of a detached command'),
  v.regex(/^[A-Za-z0-9._-]{1,64}$/, "expected 1 to 64 letters, digits, '.', '_' or '-'"),
);

const off = v.pipe(
  v.literal(false),
  v.transform(() => undefined),
);

const maxOutputBytesSchema = v.optional(
  v.pipe(
    v.number('expected bytes'),
    v.safeInteger('expected whole bytes'),
    v.minValue(0, 'expected at least 0'),
  ),
);

const runSchema = v.strictObject({
  command: commandSchema,
  timeoutMs: v.optional(timeoutMsSchema),
  cwd: v.optional(noNul('a folder'), ''),
  user: v.optional(noNul('a user'), ''),
  env: v.optional(
    textRecord(
      v.pipe(v.string(), v.regex(ENV_NAME_PATTERN, 'expected the name of a variable')),
      noNul('a value'),
      'expected variables by name',
    ),
    {},
  ),
  maxOutputBytes: maxOutputBytesSchema,
  check: v.optional(v.boolean('expected true or false'), false),
  stdin: v.optional(v.boolean('expected true or false')),
  terminal: v.optional(
    v.union([off, v.literal(true), terminalSizeSchema], 'expected true, or rows and columns'),
  ),
  detached: v.optional(
    v.union([off, v.literal(true), execIdSchema], 'expected true, or a name for the command'),
  ),
  hasInput: v.optional(v.boolean(), false),
});

const spawnSchema = v.pipe(
  runSchema,
  v.check(
    ({ hasInput, stdin, terminal }) => !hasInput || (stdin !== true && terminal === undefined),
    'expected either input, or an open stdin or terminal, not both',
  ),
);

/** A command and its plain options, parsed. */
export type SpawnRequest = Readonly<v.InferOutput<typeof spawnSchema>>;

/** Parses what `run` and `spawn` are given, all but streams and callbacks. */
export function parseSpawnRequest(input: unknown): SpawnRequest {
  return parseWith(spawnSchema, input, 'command');
}

/** What a command gets besides its words: what its caller says, and for the rest what its image says. Pure. */
export function withDefaults(
  { env, cwd, user }: Pick<SpawnRequest, 'env' | 'cwd' | 'user'>,
  defaults: CommandDefaults | null,
): Pick<SpawnRequest, 'env' | 'cwd' | 'user'> {
  if (defaults === null) return { env, cwd, user };
  return {
    env: { ...defaults.env, ...env },
    cwd: cwd === '' ? defaults.workdir : cwd,
    user: user === '' ? defaults.user : user,
  };
}

const attachSchema = v.strictObject({
  execId: execIdSchema,
  cursor: v.optional(
    v.pipe(v.number('expected bytes'), v.safeInteger(), v.minValue(0, 'expected at least 0')),
    0,
  ),
  timeoutMs: v.optional(timeoutMsSchema),
  maxOutputBytes: maxOutputBytesSchema,
});

/** What `attach` is given, parsed. */
export type AttachRequest = Readonly<v.InferOutput<typeof attachSchema>>;

/** Parses what `attach` is given, all but callbacks. */
export function parseAttachRequest(input: unknown): AttachRequest {
  return parseWith(attachSchema, input, 'attach');
}

/** Parses the size of a terminal. */
export function parseTerminalSize(input: unknown): Readonly<v.InferOutput<typeof terminalSizeSchema>> {
  return parseWith(terminalSizeSchema, input, 'terminal size');
}

/** Parses the name of a detached command. */
export function parseExecId(input: unknown): string {
  return parseWith(execIdSchema, input, 'execId');
}

/** A string is for the login shell of the guest, an array is run as it is. */
export function argvOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? ['/bin/sh', '-lc', command] : command;
}
