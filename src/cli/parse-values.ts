import { UsageError } from './usage-error.ts';

/** Variables by name, as in `process.env`. */
export type Env = Readonly<Record<string, string | undefined>>;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(?<amount>\d+(?:\.\d+)?)(?<unit>ms|s|m|h)?$/;

/** The longest wait of the SDK, about 24.8 days. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** `1500ms`, `30s`, `1.5m`, `1h` or seconds without a unit → whole milliseconds. */
export function parseDuration(flag: string, text: string): number {
  const groups = DURATION.exec(text)?.groups;
  const unit = groups?.['unit'] ?? 's';
  const durationMs = Math.round(Number(groups?.['amount']) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  if (durationMs >= 1 && durationMs <= MAX_DURATION_MS) return durationMs;
  const range = groups === undefined ? '' : ' between 1ms and 24 days';
  throw new UsageError(`${flag}: expected a duration${range} such as 30s, 5m or 1500ms, received '${text}'`);
}

/** Digits → number. The range is for the SDK to judge. */
export function parseWholeNumber(flag: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new UsageError(`${flag}: expected a whole number, received '${text}'`);
}

const ASSIGNMENT = /^(?<name>[A-Za-z_][A-Za-z0-9_]*)(?:=(?<value>[^]*))?$/;

/** `KEY=VALUE`, or `KEY` for the value that it has here. The last one of a name wins. */
export function parseEnv(assignments: readonly string[], ours: Env): Record<string, string> {
  return Object.fromEntries(assignments.map((text) => parseAssignment(text, ours)));
}

function parseAssignment(text: string, ours: Env, flag = '-e'): readonly [name: string, value: string] {
  const { name, value } = ASSIGNMENT.exec(text)?.groups ?? {};
  if (name === undefined) throw new UsageError(`${flag}: expected KEY=VALUE or KEY, received '${text}'`);
  const found = value ?? ours[name];
  if (found !== undefined) return [name, found];
  throw new UsageError(
    `${flag}: ${name} is not set here`,
    `Set it, or give its value: ${flag} ${name}=VALUE`,
  );
}

/** The same for the arguments of a build. */
export function parseBuildArgs(assignments: readonly string[], ours: Env): Record<string, string> {
  return Object.fromEntries(assignments.map((text) => parseAssignment(text, ours, '--build-arg')));
}

/** The words of a command, or the string of `-c`. Exactly one of the two. */
export function parseGuestCommand(
  words: readonly string[],
  script: string | undefined,
): string | readonly string[] {
  if (script === undefined) {
    if (words.length === 0) throw new UsageError('no command to run was given', 'For instance: -- uname -a');
    if (words[0] === '') throw new UsageError('the name of the program is empty');
    return words;
  }
  if (words.length > 0) throw new UsageError('give a command or -c, not both');
  if (script.trim() === '') throw new UsageError('-c: expected a command that is not blank');
  return script;
}
