import { readFileSync, statSync } from 'node:fs';
import type * as v from 'valibot';
import { writeAll, writeFileAtomic } from '../../base/write-atomic.ts';
import { errnoOf, toSmolVMError } from '../../errors.ts';
import { checkWith } from '../../spec/parse.ts';

/** Room for the longest configuration of an image in its longest form. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** A file that was read: its value, or what is wrong with it. */
export type ReadJson<T> =
  { readonly isGood: true; readonly value: T } | { readonly isGood: false; readonly problem: string };

/** Reads a small file of JSON; undefined if it is not there. */
export function readJsonFile<S extends v.GenericSchema>(
  path: string,
  schema: S,
): ReadJson<v.InferOutput<S>> | undefined {
  try {
    if (statSync(path).size > MAX_JSON_BYTES) return { isGood: false, problem: `${path} is too large` };
    return parseJson(readFileSync(path, 'utf8'), schema, path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    if (errno === 'EISDIR') return { isGood: false, problem: `${path} is a folder` };
    throw toSmolVMError(error, `read ${path}`);
  }
}

/** Text → value, or what is wrong with it. Pure. */
export function parseJson<S extends v.GenericSchema>(
  text: string,
  schema: S,
  what: string,
): ReadJson<v.InferOutput<S>> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return { isGood: false, problem: `${what} is no JSON` };
    throw error;
  }
  const checked = checkWith(schema, json);
  return checked.isGood ? checked : { isGood: false, problem: `${what}: ${checked.problems.join('; ')}` };
}

/** Writes a value as a file that appears whole. */
export async function writeJsonFile(path: string, value: object): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`, 'utf8');
  await writeFileAtomic({ path, mode: 0o600, write: (file) => writeAll(file, bytes, 0) });
}
