import { SmolVMError, ValidationError } from '../../errors.ts';
import { envVarsSchema, MAX_ENV_BYTES } from '../../spec/env-vars.ts';
import { parseWith } from '../../spec/parse.ts';
import { ENV_FILE_PATH, formatEnvFile, parseEnvFile } from './env-script.ts';
import type { GuestFiles } from './guest-files.ts';

/** What the functions on environment variables take. */
export interface EnvOptions {
  readonly signal?: AbortSignal | undefined;
}

type Variables = Readonly<Record<string, string>>;

/** Sets variables; nothing is written when nothing changes. Returns the names that are set now. */
export async function setEnvVars(
  files: GuestFiles,
  variables: Variables,
  { merge = true, signal }: EnvOptions & { readonly merge?: boolean | undefined },
): Promise<readonly string[]> {
  parseWith(envVarsSchema, variables, 'variables');
  if (merge && Object.keys(variables).length === 0) return [];
  const old = merge ? await listEnvVars(files, { signal }) : undefined;
  const wanted = { ...old, ...variables };
  await write(files, { old, wanted }, signal);
  return Object.keys(wanted).toSorted();
}

/** Removes variables; returns the old values of those that were set. */
export async function unsetEnvVars(
  files: GuestFiles,
  names: readonly string[],
  { signal }: EnvOptions,
): Promise<Variables> {
  parseWith(envVarsSchema, Object.fromEntries(names.map((name) => [name, ''])), 'variables');
  const old = await listEnvVars(files, { signal });
  const removed = Object.entries(old).filter(([name]) => names.includes(name));
  const wanted = Object.fromEntries(Object.entries(old).filter(([name]) => !names.includes(name)));
  await write(files, { old, wanted }, signal);
  return Object.fromEntries(removed);
}

/** The variables that are set. */
export async function listEnvVars(files: GuestFiles, { signal }: EnvOptions): Promise<Variables> {
  try {
    return parseEnvFile(await files.readText(ENV_FILE_PATH, { signal, maxBytes: 8 * MAX_ENV_BYTES }));
  } catch (error) {
    if (error instanceof SmolVMError && error.details['errno'] === 'ENOENT') return {};
    throw error;
  }
}

async function write(
  files: GuestFiles,
  { old, wanted }: { readonly old: Variables | undefined; readonly wanted: Variables },
  signal: AbortSignal | undefined,
): Promise<void> {
  const after = formatEnvFile(wanted);
  if (Buffer.byteLength(after) > MAX_ENV_BYTES)
    throw new ValidationError('environment', [`expected at most ${String(MAX_ENV_BYTES)} bytes in all`]);
  if (old === undefined || formatEnvFile(old) !== after)
    await files.write(ENV_FILE_PATH, after, { mode: 0o600, signal });
}
