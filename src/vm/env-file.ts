import { readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { writeAll, writeFileAtomic } from '../base/write-atomic.ts';
import { errnoOf, SmolVMError, toSmolVMError } from '../errors.ts';
import { type EnvVars, envVarsSchema, MAX_ENV_BYTES } from '../spec/env-vars.ts';
import type { VmPaths } from '../spec/file-names.ts';
import { checkWith, parseWith } from '../spec/parse.ts';

/** JSON writes a byte as up to six (`\u0001`); names and values have a few more around them. */
const MAX_FILE_BYTES = 8 * MAX_ENV_BYTES;

/** The variables that a VM was given. They are in no database, command line or error. */
export function readEnvFile(paths: VmPaths): Record<string, string> {
  const text = readBounded(paths.envFile);
  if (text === undefined) return {};
  const env = checkWith(envVarsSchema, parseJson(text));
  if (!env.isGood) throw damaged(paths.envFile);
  return { ...env.value };
}

/** Replaces the variables of a VM. `durable`: must they survive a power cut of the host? Default true. */
export async function writeEnvFile(paths: VmPaths, env: EnvVars, durable = true): Promise<void> {
  const checked = parseWith(envVarsSchema, env, 'variables');
  if (Object.keys(checked).length === 0) {
    await rm(paths.envFile, { force: true });
    return;
  }
  const bytes = Buffer.from(JSON.stringify(checked));
  await writeFileAtomic({
    path: paths.envFile,
    mode: 0o600,
    durable,
    write: (file) => writeAll(file, bytes, 0),
  });
}

function readBounded(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw damaged(path);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toSmolVMError(error, `read ${path}`);
  }
}

/** No JSON is undefined, which breaks the schema: the parser's own error quotes what it read. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function damaged(path: string): SmolVMError {
  return new SmolVMError('STORE_INVALID', `the file of variables ${path} is damaged`, {
    hint: `The VM can be used without them: rm ${path}`,
    details: { path },
  });
}
