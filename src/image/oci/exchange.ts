import { errnoOf, ImageError } from '../../errors.ts';
import { redirectTarget } from './redirect.ts';
import { TransientFailure } from './retry.ts';
import { StallGuard } from './stall-guard.ts';

/** A request to a registry, or to who issues its tokens. */
export interface ExchangeRequest {
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to the origin of `url` and to no other, wherever redirects lead. */
  readonly authorization?: string | undefined;
  readonly body?: URLSearchParams;
  readonly stallMs: number;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** An answer whose body is read at most once. Disposing ends the connection if the body was not read to its end. */
export class Exchange implements Disposable {
  readonly status: number;
  readonly headers: Headers;
  /** Who has answered: the host behind the last redirect. */
  readonly host: string;
  readonly #body: ReadableStream<Uint8Array> | null;
  readonly #guard: StallGuard;
  readonly #controller: AbortController;

  private constructor(response: Response, url: URL, guard: StallGuard, controller: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.host = url.host;
    this.#body = response.body;
    this.#guard = guard;
    this.#controller = controller;
  }

  /** Sends the request and follows redirects. @throws {@link TransientFailure}, {@link ImageError} */
  static async open(request: ExchangeRequest): Promise<Exchange> {
    let { url, authorization } = request;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const exchange = await Exchange.#once(request, url, authorization);
      if (!REDIRECTS.has(exchange.status)) return exchange;
      exchange[Symbol.dispose]();
      const target = redirectTarget(url, exchange.headers.get('location'));
      // The place where a registry keeps its blobs must not learn who we are to the registry.
      if (target.origin !== url.origin) authorization = undefined;
      url = target;
    }
    throw new ImageError(`${request.url.host} redirects more than ${String(MAX_REDIRECTS)} times`, {
      hint: 'Something is wrong with the registry; try another one.',
    });
  }

  static async #once(
    request: ExchangeRequest,
    url: URL,
    authorization: string | undefined,
  ): Promise<Exchange> {
    const guard = new StallGuard(url.host, request.stallMs, request.signal);
    const controller = new AbortController();
    guard.signal.addEventListener('abort', () => {
      controller.abort(guard.signal.reason);
    });
    try {
      guard.signal.throwIfAborted();
      const response = await fetch(url, {
        method: request.method ?? 'GET',
        redirect: 'manual',
        signal: controller.signal,
        headers: {
          ...request.headers,
          // Digests are those of the bytes as they are stored.
          'accept-encoding': 'identity',
          ...(authorization === undefined ? {} : { authorization }),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      return new Exchange(response, url, guard, controller);
    } catch (error) {
      const failure = transferFailure(error, url.host, guard.signal);
      guard[Symbol.dispose]();
      throw failure;
    }
  }

  /** The body as it comes. @throws {@link TransientFailure} if the connection breaks or stalls */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    if (this.#body === null) return;
    try {
      for await (const chunk of this.#body) {
        this.#guard.received(chunk.length);
        yield chunk;
        this.#guard.waiting();
      }
    } catch (error) {
      throw transferFailure(error, this.host, this.#guard.signal);
    }
  }

  /** The whole body, for small documents. @param what - names it in the error */
  async read(maxBytes: number, what: string): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.chunks()) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes)
        throw new ImageError(`${what} from ${this.host} has more than ${String(maxBytes)} bytes`, {
          hint: 'Something is wrong with the registry or the image.',
        });
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, sizeBytes);
  }

  [Symbol.dispose](): void {
    this.#guard[Symbol.dispose]();
    this.#controller.abort();
  }
}

/** Codes of errors after which the same request may do well. Those of undici begin with UND. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'HPE_INVALID_EOF_STATE',
]);

/** What to throw for a transfer that failed. `fetch` hides the reason as the cause of a TypeError. */
function transferFailure(error: unknown, host: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (!(error instanceof TypeError)) return error;
  const cause: unknown = error.cause;
  const reason =
    cause instanceof Error ? cause.message || (errnoOf(cause) ?? cause.name) : 'the request failed';
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const failure = new ImageError(`cannot talk to ${host}: ${reason}`, {
    hint: hintFor(code),
    details: { host, reason: code },
    cause: error,
  });
  return TRANSIENT_CODES.has(code) ? new TransientFailure(failure) : failure;
}

function hintFor(code: string): string {
  if (/CERT|ISSUER|SIGNATURE|TLS|SSL/.test(code))
    return 'Its certificate is not trusted: if it is your own registry, name its CA in NODE_EXTRA_CA_CERTS.';
  if (code === 'ECONNREFUSED')
    return 'Nothing answers there: is the registry running, and is the port right?';
  if (code === 'ENOTFOUND') return 'There is no such host: check the name of the image.';
  return 'Check the connection and try again: what has come of a layer is kept.';
}
