import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { OciImage } from './oci-image.ts';

/** `tester` with the password `open sesame`, in bcrypt: the registry knows no other. */
const HTPASSWD = 'tester:$2b$05$ltPvWr0BiIqW1RKMF0Xus.zSElX3PKLZESbD0vXNaoKnibq.bfdq6\n';
export const REGISTRY_LOGIN = { username: 'tester', password: 'open sesame' };

/** Debian's `docker-registry` on a port of this machine, with its files in a folder of the test. */
export class RegistryProcess implements AsyncDisposable {
  readonly host: string;
  readonly #process: ChildProcess;
  readonly #authorization: string | undefined;

  private constructor(process: ChildProcess, host: string, authorization: string | undefined) {
    this.#process = process;
    this.host = host;
    this.#authorization = authorization;
  }

  static async start(
    folder: string,
    options: { readonly withLogin?: boolean } = {},
  ): Promise<RegistryProcess> {
    mkdirSync(folder);
    const passwords = join(folder, 'htpasswd');
    writeFileSync(passwords, HTPASSWD);
    const config = {
      version: 0.1,
      log: { level: 'info', formatter: 'json' },
      storage: { filesystem: { rootdirectory: folder } },
      http: { addr: '127.0.0.1:0' },
      ...(options.withLogin === true ? { auth: { htpasswd: { realm: 'test', path: passwords } } } : {}),
    };
    // JSON is YAML, too.
    writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
    const child = spawn('/usr/bin/docker-registry', ['serve', join(folder, 'config.yml')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { OTEL_TRACES_EXPORTER: 'none' },
    });
    const login = Buffer.from(`${REGISTRY_LOGIN.username}:${REGISTRY_LOGIN.password}`).toString('base64');
    child.stdout.resume();
    let said = '';
    for await (const line of createInterface({ input: child.stderr })) {
      said += `${line}\n`;
      const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (host === undefined) continue;
      child.stderr.resume();
      return new RegistryProcess(child, host, options.withLogin === true ? `Basic ${login}` : undefined);
    }
    throw new Error(`docker-registry ended: ${said}`);
  }

  /** Pushes an image; returns its reference. */
  async push(image: OciImage, repository: string, tag: string): Promise<string> {
    for (const [digest, bytes] of image.blobs) await this.#pushBlob(repository, digest, bytes);
    return this.pushDocument({ bytes: image.manifest, type: image.manifestType }, repository, tag);
  }

  async pushDocument(
    document: { readonly bytes: Buffer; readonly type: string },
    repository: string,
    tag: string,
  ): Promise<string> {
    await this.#send('PUT', `/v2/${repository}/manifests/${tag}`, document.bytes, document.type);
    return `${this.host}/${repository}:${tag}`;
  }

  async #pushBlob(repository: string, digest: string, bytes: Buffer): Promise<void> {
    const begun = await this.#send('POST', `/v2/${repository}/blobs/uploads/`);
    const url = new URL(begun.headers.get('location') ?? '', `http://${this.host}`);
    url.searchParams.set('digest', digest);
    await this.#send('PUT', url.href, bytes, 'application/octet-stream');
  }

  async #send(method: string, path: string, body?: Buffer, type?: string): Promise<Response> {
    const response = await fetch(new URL(path, `http://${this.host}`), {
      method,
      headers: {
        // Else it stays open for a while, and tests count the sockets of this process.
        connection: 'close',
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
      },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
