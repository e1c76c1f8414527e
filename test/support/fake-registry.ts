import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { digest, type OciImage } from './oci-image.ts';

/** What somebody asked. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** Answers a request itself, or returns false to let the registry do it. */
export type Interceptor = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** A registry in this process that does as it should, but for what a test makes of it. Disposing ends it. */
export class FakeRegistry implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #documents = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  readonly #blobs = new Map<string, Buffer>();
  intercept: Interceptor = () => false;

  private constructor() {
    this.#server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      this.seen.push({ method, url, authorization: headers.authorization, range: headers.range });
      void this.#answer(request, response);
    });
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    return `127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Another name of the same: another origin for whoever compares. */
  get otherHost(): string {
    return this.host.replace('127.0.0.1', 'localhost');
  }

  /** Holds an image, and gives it a tag. Returns the reference. */
  add(image: OciImage, tag = 'latest'): string {
    this.addDocument(image.manifest, image.manifestType, tag);
    for (const [name, bytes] of image.blobs) this.addBlob(bytes, name);
    return `${this.host}/test/image:${tag}`;
  }

  addDocument(bytes: Buffer, type: string, tag?: string): string {
    for (const name of [digest(bytes), digest(bytes, 'sha512'), ...(tag === undefined ? [] : [tag])])
      this.#documents.set(name, { bytes, type });
    return `${this.host}/test/image:${tag ?? digest(bytes)}`;
  }

  addBlob(bytes: Buffer, name = digest(bytes)): void {
    this.#blobs.set(name, bytes);
  }

  /** How often each kind of thing was asked for. */
  count(pattern: RegExp): number {
    return this.seen.filter(({ method, url }) => pattern.test(`${method} ${url}`)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.intercept(request, response)) return;
    const [, kind, name = ''] =
      /^\/v2\/test\/image\/(manifests|blobs)\/([^/?]+)$/.exec(request.url ?? '') ?? [];
    const document = kind === 'manifests' ? this.#documents.get(name) : undefined;
    const bytes = document?.bytes ?? this.#blobs.get(name);
    if (bytes === undefined) {
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
      return;
    }
    if (document !== undefined) {
      response.setHeader('docker-content-digest', digest(bytes));
      response.setHeader('content-type', document.type);
    }
    sendBytes(request, response, bytes);
  }
}

/** Sends bytes, or the range of them that is asked for. */
export function sendBytes(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from > 0 && from >= bytes.length) {
    response.writeHead(416).end();
    return;
  }
  const rest = bytes.subarray(from);
  const range = `bytes ${String(from)}-${String(bytes.length - 1)}/${String(bytes.length)}`;
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': rest.length,
    ...(from > 0 ? { 'content-range': range } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : rest);
}
