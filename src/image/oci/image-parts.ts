import { mapLimited } from '../../base/map-limited.ts';
import { ImageError } from '../../errors.ts';
import type { Layer } from '../rootfs/layer.ts';
import type { BlobName, BlobStore } from './blob-store.ts';
import { digestOf } from './digest.ts';
import { BROKEN_HINT, MAX_DOCUMENT_BYTES, parseImageDocument, type ImageManifest } from './documents.ts';
import { downloadBlob } from './download-blob.ts';
import { DEFAULT_MAX_UNPACKED_BYTES } from './image-source.ts';
import { openLayer } from './open-layer.ts';
import { choosePlatform, type ImagePlatform } from './platform.ts';
import type { PullRequest } from './pull-request.ts';
import type { RegistryClient } from './registry-client.ts';

const PARALLEL_DOWNLOADS = 3;
/** An index may name indexes; a manifest must come soon. */
const MAX_DEPTH = 4;

/** Parts of one image: from the store, or else from the registry. */
export class ImageParts {
  readonly #request: PullRequest;
  readonly #client: RegistryClient;
  readonly #store: BlobStore;
  #hasFetched = false;

  constructor(request: PullRequest, client: RegistryClient, store: BlobStore) {
    this.#request = request;
    this.#client = client;
    this.#store = store;
  }

  get fromCache(): boolean {
    return !this.#hasFetched;
  }

  /** Follows indexes to the manifest for the platform. */
  async manifest(
    named: string,
    platform: ImagePlatform,
    name: string,
  ): Promise<{ readonly manifest: ImageManifest; readonly digest: string }> {
    let blob: { readonly digest: string; readonly size?: number } = { digest: named };
    for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
      const what = `the manifest ${blob.digest} of ${name}`;
      const document = parseImageDocument(await this.#document(blob, what), what);
      if (document.kind === 'manifest') return { manifest: document.manifest, digest: blob.digest };
      blob = choosePlatform(document.manifests, platform, name);
    }
    throw new ImageError(`${name} is an index of indexes of indexes, with no image to be found`, {
      hint: BROKEN_HINT,
    });
  }

  async config(blob: BlobName): Promise<Uint8Array> {
    if (blob.size > MAX_DOCUMENT_BYTES)
      throw new ImageError(`the configuration of the image has ${String(blob.size)} bytes`, {
        hint: BROKEN_HINT,
      });
    const stored = await this.#store.read(blob.digest, blob.size);
    if (stored?.length === blob.size) return stored;
    await this.#fetch(blob, () => undefined, this.#request.signal);
    const fetched = await this.#store.read(blob.digest, blob.size);
    if (fetched !== undefined) return fetched;
    throw new ImageError(`the configuration ${blob.digest} has vanished from the cache`, {
      hint: 'Try again.',
    });
  }

  /** Each once, however often the image has it: empty layers are all the same. */
  async layers(layers: readonly BlobName[]): Promise<void> {
    const { signal, onProgress } = this.#request;
    const different = new Map(layers.map((layer) => [`${layer.digest} ${String(layer.size)}`, layer]));
    await mapLimited([...different.values()], PARALLEL_DOWNLOADS, signal, (layer, inner) =>
      this.#ensure(
        layer,
        (doneBytes) => onProgress?.({ layer: layer.digest, doneBytes, totalBytes: layer.size }),
        inner,
      ),
    );
  }

  layer({ digest, size }: BlobName, diffId: string): Layer {
    const maxUnpackedBytes = this.#request.maxUnpackedBytes ?? DEFAULT_MAX_UNPACKED_BYTES;
    const source = {
      name: digest,
      path: this.#store.path(digest),
      offset: 0,
      sizeBytes: size,
      diffId,
      maxUnpackedBytes,
    };
    return { name: digest, open: (signal) => openLayer(source, signal) };
  }

  async #document({ digest, size }: { digest: string; size?: number }, what: string): Promise<Buffer> {
    const stored = await this.#store.read(digest, MAX_DOCUMENT_BYTES);
    const isWhole = size === undefined || stored?.length === size;
    if (stored !== undefined && isWhole) return stored;
    this.#hasFetched = true;
    const bytes = await this.#client.document(digest, this.#request.signal);
    const found = digestOf(bytes, digest);
    if (found !== digest || (size !== undefined && size !== bytes.length))
      throw new ImageError(`${what} has ${String(bytes.length)} bytes with the digest ${found}`, {
        hint: BROKEN_HINT,
      });
    await this.#store.write(digest, bytes);
    return bytes;
  }

  async #ensure(blob: BlobName, onBytes: (doneBytes: number) => void, signal: AbortSignal): Promise<void> {
    const isThere =
      this.#store.has(blob) && (!this.#request.verify || (await this.#store.isIntact(blob, signal)));
    if (isThere) onBytes(blob.size);
    else await this.#fetch(blob, onBytes, signal);
  }

  async #fetch(
    blob: BlobName,
    onBytes: (doneBytes: number) => void,
    signal = this.#request.signal,
  ): Promise<void> {
    this.#hasFetched = true;
    await downloadBlob({ blob, client: this.#client, store: this.#store, signal, onBytes });
  }
}
