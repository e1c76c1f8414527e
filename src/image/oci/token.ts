import * as v from 'valibot';
import { ImageError, ValidationError } from '../../errors.ts';
import type { Challenge } from './challenge.ts';
import type { RegistryCredentials } from './credentials.ts';
import { parseJson } from './documents.ts';
import { Exchange } from './exchange.ts';
import { redirectTarget } from './redirect.ts';
import { TransientFailure } from './retry.ts';

/** A registry that wants to know who asks. */
export interface AuthorizationRequest {
  readonly challenge: Challenge;
  /** Of the registry: its tokens come from a place that it may redirect us to. */
  readonly registryUrl: URL;
  readonly repository: string;
  readonly credentials: RegistryCredentials | undefined;
  readonly stallMs: number;
  readonly signal: AbortSignal;
}

const MAX_TOKEN_ANSWER_BYTES = 64 * 1024;

/** A token becomes a header: visible characters only. */
const token = v.pipe(v.string('expected a token'), v.regex(/^[\x21-\x7e]{1,32768}$/, 'expected a token'));
const tokenAnswerSchema = v.union(
  [v.object({ token }), v.object({ access_token: token })],
  'expected a token',
);

/** The header `Authorization` that answers a challenge, or undefined if we have nothing to answer with. */
export async function authorize(request: AuthorizationRequest): Promise<string | undefined> {
  const { challenge, credentials } = request;
  if (challenge.scheme === 'basic') return basicOf(credentials);
  if (credentials !== undefined && 'registryToken' in credentials) return bearerOf(credentials.registryToken);
  return `Bearer ${await fetchToken(request, challenge)}`;
}

/** Checked here because `fetch` shows what it cannot send. */
function bearerOf(registryToken: string): string {
  if (v.is(token, registryToken)) return `Bearer ${registryToken}`;
  throw new ValidationError('registry credentials', ['expected a token of visible characters']);
}

async function fetchToken(
  { registryUrl, repository, credentials, stallMs, signal }: AuthorizationRequest,
  { realm, service, scope }: Extract<Challenge, { scheme: 'bearer' }>,
): Promise<string> {
  const url = redirectTarget(registryUrl, realm);
  const wanted = new URLSearchParams({ scope: scopeOf(scope, repository) });
  if (service !== undefined) wanted.set('service', service);
  const isRefresh = credentials !== undefined && 'identityToken' in credentials;
  if (isRefresh) {
    wanted.set('grant_type', 'refresh_token');
    wanted.set('refresh_token', credentials.identityToken);
    wanted.set('client_id', 'smolvm');
  } else {
    for (const [name, value] of wanted) url.searchParams.set(name, value);
  }
  using exchange = await Exchange.open({
    url,
    stallMs,
    signal,
    ...(isRefresh ? { method: 'POST', body: wanted } : { authorization: basicOf(credentials) }),
  });
  if (exchange.status !== 200) throw tokenRefused(exchange.status, exchange.host);
  const what = 'the token';
  const bytes = await exchange.read(MAX_TOKEN_ANSWER_BYTES, what);
  const answer = tokenIn(bytes, `${what} from ${exchange.host}`);
  return 'token' in answer ? answer.token : answer.access_token;
}

/** Nothing of the answer is shown: it is a secret, or next to one. */
function tokenIn(bytes: Buffer, what: string): v.InferOutput<typeof tokenAnswerSchema> {
  const result = v.safeParse(tokenAnswerSchema, parseJson(bytes, what));
  if (result.success) return result.output;
  throw new ImageError(`${what} is none`, { hint: 'Something is wrong with the registry; try again later.' });
}

/** What the registry asks for, if that is no more than to read; else just that. */
function scopeOf(offered: string | undefined, repository: string): string {
  const isModest = offered !== undefined && /^repository:[^\s:]{1,255}:pull$/.test(offered);
  return isModest ? offered : `repository:${repository}:pull`;
}

function basicOf(credentials: RegistryCredentials | undefined): string | undefined {
  if (credentials === undefined || !('username' in credentials)) return undefined;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function tokenRefused(status: number, host: string): Error {
  const failure = new ImageError(`${host} gives no token for the image (HTTP ${String(status)})`, {
    hint: 'Check the credentials (`docker login`) and the name of the image.',
    details: { status, host },
  });
  return status === 429 || status >= 500 ? new TransientFailure(failure) : failure;
}
