import { Cleanup } from '../../base/cleanup.ts';
import { ImageError, toSmolVMError } from '../../errors.ts';
import type { BlobName, BlobStore } from './blob-store.ts';
import { DigestCheck } from './digest.ts';
import type { Exchange } from './exchange.ts';
import { PartialFile } from './partial-file.ts';
import type { RegistryClient } from './registry-client.ts';
import { TransientFailure } from './retry.ts';

/** A blob to fetch. */
export interface Download {
  readonly blob: BlobName;
  readonly client: RegistryClient;
  readonly store: BlobStore;
  readonly signal: AbortSignal;
  /** Told how many bytes of the blob are there. */
  readonly onBytes: (doneBytes: number) => void;
}

/**
 * Fetches a blob into the store. What an earlier try has left of it is gone on with; what comes wrong is thrown away,
 * and what is cut short is kept.
 */
export async function downloadBlob(download: Download): Promise<void> {
  const { blob, client, store, signal } = download;
  const path = store.path(blob.digest);
  const undo = new Cleanup();
  let isWrong = false;
  try {
    const part = await PartialFile.claim(path);
    undo.defer(`put away what has come of ${blob.digest}`, () => (isWrong ? part.discard() : part.release()));
    const transfer = new Transfer(download, part);
    await transfer.begin();
    await client.retrying(() => transfer.attempt(), signal);
    undo.keep();
    await part.complete(path);
  } catch (error) {
    isWrong = error instanceof WrongBlobError;
    await undo.run();
    throw error instanceof WrongBlobError ? error.failure : toSmolVMError(error, `store ${path}`);
  }
}

/** What came is not the blob. */
class WrongBlobError extends Error {
  readonly failure: ImageError;

  constructor(what: string, host: string) {
    super(what);
    this.failure = new ImageError(`${host} sends something else than it announces: ${what}`, {
      hint: 'The registry or something on the way to it is broken; nothing of it was kept.',
    });
  }
}

/** One blob on its way, over as many connections as it takes. */
class Transfer {
  readonly #download: Download;
  readonly #part: PartialFile;
  #check: DigestCheck;
  /** Does some of it come from elsewhere than the connection at hand? */
  #isPatched = false;

  constructor(download: Download, part: PartialFile) {
    this.#download = download;
    this.#part = part;
    this.#check = new DigestCheck(download.blob.digest);
  }

  /** Takes stock of what is there. */
  async begin(): Promise<void> {
    if (this.#part.sizeBytes > this.#download.blob.size) await this.#part.clear();
    await this.#part.replay((bytes) => {
      this.#check.update(bytes);
    });
    this.#isPatched = this.#part.sizeBytes > 0;
  }

  async attempt(): Promise<void> {
    const { digest, size } = this.#download.blob;
    const host = this.#part.sizeBytes < size ? await this.#fetchRest() : 'the registry';
    const found = this.#check.found();
    if (found === digest) return;
    // A part that was damaged, or went on with something else: the whole may do well.
    if (!this.#isPatched) throw new WrongBlobError(`the digest is ${found}, not ${digest}`, host);
    await this.#restart();
    await this.attempt();
  }

  async #fetchRest(): Promise<string> {
    const { blob, client, signal } = this.#download;
    using exchange = await client.openBlob(blob.digest, this.#part.sizeBytes, signal);
    await this.#align(exchange);
    for await (const chunk of exchange.chunks()) {
      if (this.#part.sizeBytes + chunk.length > blob.size)
        throw new WrongBlobError(`${blob.digest} has more than ${String(blob.size)} bytes`, exchange.host);
      await this.#part.append(chunk);
      this.#check.update(chunk);
      this.#download.onBytes(this.#part.sizeBytes);
    }
    if (this.#part.sizeBytes === blob.size) return exchange.host;
    throw cutShort(
      `${blob.digest} from ${exchange.host} ends after ${String(this.#part.sizeBytes)} of ${String(blob.size)} bytes`,
    );
  }

  /** Makes sure that what comes is what is missing. */
  async #align(exchange: Exchange): Promise<void> {
    const haveBytes = this.#part.sizeBytes;
    if (haveBytes === 0) return;
    const range = exchange.headers.get('content-range') ?? '';
    if (exchange.status === 206 && range.startsWith(`bytes ${String(haveBytes)}-`)) {
      this.#isPatched = true;
      return;
    }
    await this.#restart();
    if (exchange.status !== 200)
      throw cutShort(`${exchange.host} cannot go on with ${this.#download.blob.digest}`);
  }

  async #restart(): Promise<void> {
    await this.#part.clear();
    this.#check = new DigestCheck(this.#download.blob.digest);
    this.#isPatched = false;
  }
}

function cutShort(what: string): TransientFailure {
  return new TransientFailure(
    new ImageError(what, {
      hint: 'Try again: what has come is kept. If it stays so, the registry lacks the rest.',
    }),
  );
}
