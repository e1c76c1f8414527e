import { posix } from 'node:path';
import * as v from 'valibot';
import { isRecord, kindOf, shownKey } from '../../spec/parse.ts';

/**
 * A file of a build context: its contents (text is UTF-8), or a file of this host. Contents have mode 0o644 unless
 * another is given; a file of this host keeps its own.
 */
export type ContextEntry =
  | string
  | Uint8Array
  | { readonly content: string | Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly mode?: number };

/** A checked file of a context. */
export interface ContextFile {
  /** Relative to the context, normalized. */
  readonly path: string;
  readonly source: { readonly content: Uint8Array } | { readonly hostPath: string };
  /** Permission bits; undefined: those of the host's file. */
  readonly mode: number | undefined;
}

const MAX_ENTRIES = 10_000;
const MAX_CONTENT_BYTES = 256 * 1024 * 1024;
const MAX_PATH_BYTES = 4_095;
const MAX_NAME_BYTES = 255;
const USUAL_MODE = 0o644;

/** The files of a context, or every problem with them. Looks at no file. Pure. */
export function checkContext(context: unknown): {
  readonly files: readonly ContextFile[];
  readonly problems: readonly string[];
} {
  if (context === undefined) return { files: [], problems: [] };
  if (!isRecord(context))
    return { files: [], problems: [`context: expected an object of files, received ${kindOf(context)}`] };
  const entries = Object.entries(context);
  if (entries.length > MAX_ENTRIES)
    return { files: [], problems: [`context: expected at most ${String(MAX_ENTRIES)} files`] };
  const files: ContextFile[] = [];
  const problems: string[] = [];
  for (const [key, value] of entries) {
    const problem = contextPathProblem(key);
    if (problem !== undefined) {
      problems.push(`context.${shownKey(key)}: ${problem}`);
      continue;
    }
    const file = checkEntry(value);
    if (typeof file === 'string') problems.push(`context.${shownKey(key)}: ${file}`);
    else files.push({ path: posix.normalize(key), ...file });
  }
  return { files, problems: [...problems, ...clashes(files)] };
}

/** Why a key cannot be the name of a file in the context. */
function contextPathProblem(key: string): string | undefined {
  const parts = key.split('/');
  const last = parts.at(-1) ?? '';
  if (posix.isAbsolute(key) || parts.includes('..') || last === '' || last === '.' || key.includes('\0'))
    return 'expected a relative and safe path of a file';
  if (
    Buffer.byteLength(key) > MAX_PATH_BYTES ||
    parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES)
  )
    return 'expected a shorter path';
  if (last.toLowerCase() === 'dockerfile') return 'the name Dockerfile is reserved';
  return undefined;
}

/** Two keys of one path, and a file that another key needs as a folder. */
function clashes(files: readonly ContextFile[]): readonly string[] {
  const paths = new Set<string>();
  const problems: string[] = [];
  for (const { path } of files) {
    if (paths.has(path)) problems.push(`context.${shownKey(path)}: is there twice`);
    paths.add(path);
  }
  for (const { path } of files) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      if (paths.has(parent)) problems.push(`context.${shownKey(path)}: ${shownKey(parent)} is a file`);
    }
  }
  return problems;
}

const content = v.pipe(
  v.union([v.string(), v.instance(Uint8Array)], 'expected text or bytes'),
  v.transform((value) => (typeof value === 'string' ? Buffer.from(value, 'utf8') : value)),
  v.check(
    (bytes) => bytes.length <= MAX_CONTENT_BYTES,
    `expected at most ${String(MAX_CONTENT_BYTES)} bytes; give a larger file by its path`,
  ),
);
const modeMessage = 'expected permission bits such as 0o755';
const mode = v.optional(
  v.pipe(v.number(modeMessage), v.integer(modeMessage), v.minValue(0), v.maxValue(0o7777)),
);
const pathMessage = 'expected the path of a file';
const entrySchemas = {
  content: v.strictObject({ content, mode }),
  path: v.strictObject({ path: v.pipe(v.string(pathMessage), v.regex(/^[^\u0000]+$/, pathMessage)), mode }),
};

/** A value of the context without its path, or what is wrong with it. */
function checkEntry(value: unknown): Omit<ContextFile, 'path'> | string {
  if (isRecord(value) && 'path' in value) {
    const result = v.safeParse(entrySchemas.path, value);
    if (!result.success) return firstIssue(result.issues);
    return { source: { hostPath: result.output.path }, mode: result.output.mode };
  }
  const isBare = typeof value === 'string' || value instanceof Uint8Array;
  if (!isBare && !isRecord(value))
    return `expected text, bytes, {content} or {path}, received ${kindOf(value)}`;
  const result = v.safeParse(entrySchemas.content, isBare ? { content: value } : value);
  if (!result.success) return firstIssue(result.issues);
  return { source: { content: result.output.content }, mode: result.output.mode ?? USUAL_MODE };
}

function firstIssue(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const key = issues[0].path?.at(-1)?.key;
  if (issues[0].type === 'strict_object')
    return issues[0].expected === 'never'
      ? `${shownKey(key)} is not an option`
      : `${shownKey(key)} is required`;
  return issues[0].message;
}
