import { ImageError } from '../../errors.ts';
import { parseChallenge } from './challenge.ts';
import { digestOf, isDigest } from './digest.ts';
import { ACCEPTED_TYPES, MAX_DOCUMENT_BYTES } from './documents.ts';
import { Exchange } from './exchange.ts';
import { findCredentials, type CredentialOptions } from './find-credentials.ts';
import { formatReference, registryOrigin, type ImageReference } from './reference.ts';
import { parseRetryAfterMs, TransientFailure, withRetries } from './retry.ts';
import { authorize } from './token.ts';

/** How to talk to registries. */
export interface RegistryOptions extends CredentialOptions {
  /** The longest time in which nothing comes, in milliseconds. Default 30,000. */
  readonly stallMs?: number | undefined;
  /** The pause before the second try, in milliseconds; the third waits four times as long. Default 500. */
  readonly retryPauseMs?: number | undefined;
}

const DEFAULT_STALL_MS = 30_000;
const DEFAULT_RETRY_PAUSE_MS = 500;

/** Reads one repository of a registry (OCI distribution specification 1.1). */
export class RegistryClient {
  readonly #reference: ImageReference;
  readonly #options: RegistryOptions;
  readonly #url: URL;
  readonly #stallMs: number;
  #authorization: string | undefined;

  constructor(reference: ImageReference, options: RegistryOptions) {
    this.#reference = reference;
    this.#options = options;
    this.#url = new URL(`/v2/${reference.repository}/`, registryOrigin(reference));
    this.#stallMs = options.stallMs ?? DEFAULT_STALL_MS;
  }

  /** Does it again where that may help; see {@link withRetries}. */
  retrying<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return withRetries(attempt, this.#options.retryPauseMs ?? DEFAULT_RETRY_PAUSE_MS, signal);
  }

  /** The digest that the reference's tag has now, by asking for no more than that where the registry can. */
  resolve(signal: AbortSignal): Promise<string> {
    const { tag, digest } = this.#reference;
    if (digest !== undefined) return Promise.resolve(digest);
    const path = `manifests/${tag ?? ''}`;
    return this.retrying(async () => {
      const found = await this.#headDigest(path, signal);
      return found ?? digestOf(await this.#read(path, signal));
    }, signal);
  }

  /** The bytes of a manifest or index, as they come: their digest is for the caller to check. */
  document(digest: string, signal: AbortSignal): Promise<Buffer> {
    return this.retrying(() => this.#read(`manifests/${digest}`, signal), signal);
  }

  /**
   * Begins to read a blob, once.
   *
   * @param fromByte - how many bytes of it are there already; status 206 says that the registry leaves those out
   */
  openBlob(digest: string, fromByte: number, signal: AbortSignal): Promise<Exchange> {
    const headers: Record<string, string> = fromByte === 0 ? {} : { range: `bytes=${String(fromByte)}-` };
    return this.#get(`blobs/${digest}`, headers, signal);
  }

  async #headDigest(path: string, signal: AbortSignal): Promise<string | undefined> {
    using exchange = await this.#send('HEAD', path, { accept: ACCEPTED_TYPES }, signal);
    // Some registries know no HEAD: what is wrong comes out with GET.
    if (exchange.status !== 200) return undefined;
    const digest = exchange.headers.get('docker-content-digest');
    return digest !== null && isDigest(digest) ? digest : undefined;
  }

  async #read(path: string, signal: AbortSignal): Promise<Buffer> {
    using exchange = await this.#get(path, { accept: ACCEPTED_TYPES }, signal);
    return await exchange.read(MAX_DOCUMENT_BYTES, 'a manifest');
  }

  async #get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Exchange> {
    const exchange = await this.#send('GET', path, headers, signal);
    // 416 says that there is nothing after what we have; the caller begins anew.
    if (exchange.status === 200 || ('range' in headers && [206, 416].includes(exchange.status)))
      return exchange;
    exchange[Symbol.dispose]();
    throw this.#refusal(exchange);
  }

  async #send(
    method: 'GET' | 'HEAD',
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const url = new URL(path, this.#url);
    const sent = this.#authorization;
    const request = { url, method, headers, stallMs: this.#stallMs, signal };
    const exchange = await Exchange.open({ ...request, authorization: sent });
    if (exchange.status !== 401 || exchange.host !== url.host) return exchange;
    exchange[Symbol.dispose]();
    const challenge = parseChallenge(exchange.headers.get('www-authenticate'));
    if (challenge === undefined) return exchange;
    const { registry, repository } = this.#reference;
    this.#authorization = await authorize({
      challenge,
      registryUrl: this.#url,
      repository,
      credentials: await findCredentials(registry, this.#options, signal),
      stallMs: this.#stallMs,
      signal,
    });
    return this.#authorization === undefined
      ? exchange
      : Exchange.open({ ...request, authorization: this.#authorization });
  }

  #refusal({ status, host, headers }: Exchange): Error {
    const name = formatReference(this.#reference);
    const failure = new ImageError(`${host} ${reasonOf(status)} ${name} (HTTP ${String(status)})`, {
      hint: hintOf(status),
      details: { status, host },
    });
    if (status !== 408 && status !== 429 && status < 500) return failure;
    return new TransientFailure(failure, parseRetryAfterMs(headers.get('retry-after'), Date.now()));
  }
}

function reasonOf(status: number): string {
  if (status === 401 || status === 403) return 'does not let us read';
  if (status === 404) return 'does not have';
  return 'does not give us';
}

function hintOf(status: number): string {
  if (status === 401 || status === 403)
    return 'It may not exist, or needs other credentials: log in with `docker login`, or pass them.';
  if (status === 404) return 'Check the name and the tag of the image.';
  if (status === 429) return 'The registry limits how often it is asked: log in, or try again later.';
  return 'Something is wrong with the registry; try again later.';
}
