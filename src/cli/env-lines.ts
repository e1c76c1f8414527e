import { UsageError } from './usage-error.ts';

const ASSIGNMENT = /^(?<name>[A-Za-z_][A-Za-z0-9_]*)=(?<value>[^]*)$/;

/** `NAME=VALUE` arguments → variables; the last of a name wins. An error never shows what may be a secret. */
export function parseVariables(assignments: readonly string[]): Record<string, string> {
  return Object.fromEntries(assignments.map((text, index) => parse(text, `argument ${index + 1}`)));
}

/** The lines of a file → variables. Blank lines and those that begin with `#` are skipped; values are taken as they are. */
export function parseVariableLines(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line, place: `line ${index + 1}` }));
  const assignments = lines.filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));
  return Object.fromEntries(assignments.map(({ line, place }) => parse(line, place)));
}

function parse(text: string, place: string): readonly [name: string, value: string] {
  const { name, value } = ASSIGNMENT.exec(text)?.groups ?? {};
  if (name === undefined || value === undefined)
    throw new UsageError(`${place} is not NAME=VALUE`, 'A name has letters, digits and _ only.');
  return [name, value];
}
