import * as v from 'valibot';
import { escapeText } from '../base/escape-text.ts';
import { ValidationError } from '../errors.ts';

/** What a schema says of an input. */
export type Checked<T> =
  | { readonly isGood: true; readonly value: T; readonly problems: readonly [] }
  | { readonly isGood: false; readonly problems: readonly string[] };

/** How many problems an error tells one by one. */
const MAX_PROBLEMS = 32;

/**
 * Parses untrusted input with a schema. All problems are reported at once, each with its path and the value received.
 *
 * @param what - begins the message: "VM options"
 */
export function parseWith<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  what: string,
): v.InferOutput<S> {
  return accepted(checkWith(schema, input), what);
}

/** The same, with the problems as a value, for a caller that looks for more of them. */
export function checkWith<S extends v.GenericSchema>(schema: S, input: unknown): Checked<v.InferOutput<S>> {
  // One problem for each value: the first rule that it breaks.
  const result = v.safeParse(schema, input, { abortPipeEarly: true });
  if (result.success) return { isGood: true, value: result.output, problems: [] };
  return { isGood: false, problems: result.issues.map(problemOf) };
}

/**
 * The value that was checked, or a {@link ValidationError}.
 *
 * @param found - problems that the caller has found besides
 */
export function accepted<T>(checked: Checked<T>, what: string, found: readonly string[] = []): T {
  const problems = [...checked.problems, ...found];
  if (checked.isGood && problems.length === 0) return checked.value;
  const more = problems.length - MAX_PROBLEMS;
  const told = problems.slice(0, MAX_PROBLEMS);
  throw new ValidationError(what, more > 0 ? [...told, `and ${String(more)} more problems`] : told);
}

/** The input of an issue whose value must not be shown: its message says all. */
export const NOT_SHOWN = Symbol('not shown');

function problemOf(issue: v.BaseIssue<unknown>): string {
  const keys = (issue.path ?? []).map(({ key }) => shownKey(key));
  const place = keys.length === 0 ? '' : `${keys.join('.')}: `;
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${place}is not an option`;
  if (issue.path?.at(-1)?.origin === 'key' && issue.expected === `"${keys.at(-1) ?? ''}"`)
    return `${place}is required`;
  return issue.input === NOT_SHOWN
    ? place + issue.message
    : `${place}${issue.message}, received ${shown(issue.input)}`;
}

const MAX_SHOWN_CHARS = 80;

/** A key of untrusted input, short and safe, for a message. */
export function shownKey(key: unknown): string {
  return escapeText(shortened(String(key)));
}

/** A received value, short and safe to print, for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return escapeText(JSON.stringify(shortened(value)));
  if (value === null || ['number', 'boolean', 'bigint', 'undefined'].includes(typeof value))
    return String(value);
  return kindOf(value);
}

/** Is it an object with named members? No array, map or the like, whose members would go unseen. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/**
 * Text by name. `v.record` leaves out `constructor`, `prototype` and `__proto__` without a word; to a guest they are
 * names like any other.
 */
export function textRecord(
  name: v.GenericSchema<string>,
  value: v.GenericSchema<string>,
  message: string,
): v.GenericSchema<Readonly<Record<string, string>>> {
  return v.pipe(
    v.custom<Readonly<Record<string, string>>>(isRecord, message),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const [key, text] of Object.entries(dataset.value)) {
        const path = [{ type: 'object', origin: 'value', input: dataset.value, key, value: text }] as const;
        for (const result of [v.safeParse(name, key), v.safeParse(value, text)])
          for (const issue of result.issues ?? [])
            addIssue({ message: issue.message, input: issue.input, path: [...path] });
      }
    }),
    v.transform((given) => Object.fromEntries(Object.entries(given))),
  );
}

/** What sort of value it is, where the value itself must not be shown. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

function shortened(text: string): string {
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;
}
