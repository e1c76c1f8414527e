import { createReadStream } from 'node:fs';
import { escapeText } from '../../base/escape-text.ts';
import { runHostCommand } from '../../base/subprocess.ts';
import { Deadline } from '../../base/deadline.ts';
import { errnoOf, SmolVMError, toSmolVMError, ValidationError } from '../../errors.ts';
import { credentialSource, parseHelperAnswer, type RegistryCredentials } from './credentials.ts';

/** Where to look for credentials. */
export interface CredentialOptions {
  /** Used as they are, before all others. */
  readonly credentials?: RegistryCredentials | undefined;
  /** Docker's `config.json`. Without it, or if it is not there, registries are asked anonymously. */
  readonly dockerConfigPath?: string | undefined;
  /** What `docker-credential-…` programs find in their environment: `PATH` and `HOME` above all. Default: hardly anything. */
  readonly helperEnv?: Readonly<Record<string, string>> | undefined;
}

const MAX_CONFIG_BYTES = 1024 * 1024;
const HELPER_TIMEOUT_MS = 30_000;
/** What a helper says when it has nothing for the registry, with exit code 1. */
const NOT_FOUND = 'credentials not found';

/** The credentials for a registry (`ghcr.io`), or undefined. Nothing of a secret is ever in an error. */
export async function findCredentials(
  registry: string,
  { credentials, dockerConfigPath, helperEnv }: CredentialOptions,
  signal: AbortSignal,
): Promise<RegistryCredentials | undefined> {
  if (credentials !== undefined) return credentials;
  if (dockerConfigPath === undefined) return undefined;
  const text = await readConfig(dockerConfigPath);
  if (text === undefined) return undefined;
  const source = credentialSource(text, registry, escapeText(dockerConfigPath));
  if (source.kind === 'none') return undefined;
  if (source.kind === 'given') return source.credentials;
  return askHelper(source.helper, source.server, helperEnv, signal);
}

async function readConfig(path: string): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_CONFIG_BYTES)
        throw new ValidationError('registry credentials', [`${escapeText(path)} is larger than 1 MiB`]);
      chunks.push(chunk);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw toSmolVMError(error, `read ${path}`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function askHelper(
  helper: string,
  server: string,
  env: Readonly<Record<string, string>> | undefined,
  outer: AbortSignal,
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  using deadline = new Deadline(program, HELPER_TIMEOUT_MS, outer);
  const { exitCode, stdout, stderr } = await runHostCommand({
    argv: [program, 'get'],
    input: server,
    ...(env === undefined ? {} : { env }),
    signal: deadline.signal,
  });
  if (exitCode === 0) return parseHelperAnswer(Buffer.from(stdout, 'latin1').toString('utf8'), program);
  if (stdout.includes(NOT_FOUND) || stderr.includes(NOT_FOUND)) return undefined;
  throw new SmolVMError('HOST_FAILED', `${program} failed with exit code ${String(exitCode)}`, {
    hint: `See what it says: echo ${server} | ${program} get`,
    details: { program, exitCode },
  });
}
