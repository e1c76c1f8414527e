import * as v from 'valibot';
import { ValidationError } from '../errors.ts';

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
  // One problem for each value: the first rule that it breaks.
  const result = v.safeParse(schema, input, { abortPipeEarly: true });
  if (result.success) return result.output;
  throw new ValidationError(what, result.issues.map(problemOf));
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  const key = path === null ? '' : `${path}: `;
  if (issue.type === 'strict_object' && issue.expected === 'never') return `${key}is not an option`;
  return `${key}${issue.message}, received ${shown(issue.input)}`;
}

/** A received value, short, for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (value === null || ['number', 'boolean', 'bigint', 'undefined'].includes(typeof value))
    return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
