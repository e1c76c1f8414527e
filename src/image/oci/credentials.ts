import * as v from 'valibot';
import { ValidationError } from '../../errors.ts';

/** Who asks a registry. */
export type RegistryCredentials =
  | { readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, as `docker login` keeps it for some registries. */
  | { readonly identityToken: string }
  /** A bearer token that the registry takes as it is. */
  | { readonly registryToken: string };

const MAX_SECRET_CHARS = 64 * 1024;
const secret = v.pipe(v.string(), v.maxLength(MAX_SECRET_CHARS));
const optionalSecret = v.nullish(secret, '');
const helperName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));

const entrySchema = v.object({
  auth: optionalSecret,
  username: optionalSecret,
  password: optionalSecret,
  identitytoken: optionalSecret,
  registrytoken: optionalSecret,
});

const configSchema = v.object({
  auths: v.nullish(v.record(v.string(), v.unknown()), {}),
  credHelpers: v.nullish(v.record(v.string(), v.unknown()), {}),
  credsStore: v.nullish(v.unknown(), ''),
});

/** The answer of `docker-credential-… get`. */
const helperAnswerSchema = v.object({ Username: secret, Secret: secret });

/** Where `config.json` of Docker says that the credentials of a registry are. */
export type CredentialSource =
  | { readonly kind: 'none' }
  | { readonly kind: 'given'; readonly credentials: RegistryCredentials }
  /** `server` is what the helper is asked for. */
  | { readonly kind: 'helper'; readonly helper: string; readonly server: string };

/** Docker Hub has had many names; Docker files its login under the oldest. */
const DOCKER_HUB_SERVER = 'https://index.docker.io/v1/';

/**
 * The text of Docker's `config.json` → where the credentials of a registry are.
 *
 * @param where - names the file in the error, which shows nothing of its contents
 */
export function credentialSource(text: string, registry: string, where: string): CredentialSource {
  const config = privately(configSchema, parsed(text, where), where);
  const names = serverNames(registry);
  const server = names[0] ?? registry;
  const own = names.map((name) => config.credHelpers[name]).find((name) => name !== undefined);
  const helper = own ?? config.credsStore;
  if (helper !== '') return { kind: 'helper', helper: privately(helperName, helper, where), server };
  const entry = names.map((name) => config.auths[name]).find((found) => found !== undefined);
  if (entry === undefined) return { kind: 'none' };
  const credentials = credentialsOf(privately(entrySchema, entry, where), where);
  return credentials === undefined ? { kind: 'none' } : { kind: 'given', credentials };
}

/** What a credential helper has written → the credentials. @param helper - names it in the error */
export function parseHelperAnswer(text: string, helper: string): RegistryCredentials {
  const { Username, Secret } = privately(helperAnswerSchema, parsed(text, helper), helper);
  return Username === '<token>' ? { identityToken: Secret } : { username: Username, password: Secret };
}

/** The names under which a registry may stand in `config.json`, the usual one first. */
function serverNames(registry: string): readonly string[] {
  const urls = [
    registry,
    `https://${registry}`,
    `https://${registry}/`,
    `https://${registry}/v1/`,
    `https://${registry}/v2/`,
  ];
  return registry === 'docker.io'
    ? [DOCKER_HUB_SERVER, 'index.docker.io', 'registry-1.docker.io', ...urls]
    : urls;
}

function credentialsOf(
  entry: v.InferOutput<typeof entrySchema>,
  where: string,
): RegistryCredentials | undefined {
  if (entry.registrytoken !== '') return { registryToken: entry.registrytoken };
  if (entry.identitytoken !== '') return { identityToken: entry.identitytoken };
  if (entry.username !== '') return { username: entry.username, password: entry.password };
  if (entry.auth === '') return undefined;
  const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) throw unusable(where);
  // Docker pads passwords with NUL.
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

/** Parses without showing anything of what was parsed. */
function privately<S extends v.GenericSchema>(schema: S, input: unknown, where: string): v.InferOutput<S> {
  const result = v.safeParse(schema, input);
  if (!result.success) throw unusable(where);
  return result.output;
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not even the parser's message: it quotes what it does not understand.
    throw unusable(where);
  }
}

function unusable(where: string): ValidationError {
  return new ValidationError('registry credentials', [`${where} holds none that can be understood`], {
    hint: 'Log in again with `docker login`, or pass the credentials yourself.',
  });
}
