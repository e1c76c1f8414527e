import { toSmolVMError } from '../../errors.ts';
import { BlobStore } from './blob-store.ts';
import { parseOciConfig } from './config.ts';
import { ImageParts } from './image-parts.ts';
import { pairLayers, type LocalImage } from './image-source.ts';
import { parsePlatform, requirePlatform } from './platform.ts';
import type { PullRequest } from './pull-request.ts';
import { formatReference, parseReference } from './reference.ts';
import { RegistryClient, type RegistryOptions } from './registry-client.ts';

/**
 * Gets an image from a registry into the folder of images, but for what is there already. Every part is checked against
 * its digest and size before it gets its name; layers are checked again as they are unpacked.
 *
 * @throws `IMAGE_INVALID` for an image or registry that cannot be used, `INVALID_ARGUMENT` for a name that is none,
 * `TIMEOUT` for a connection that stalls, `ABORTED`
 * @example
 * ```ts
 * const image = await pullImage({ reference: 'alpine:3.20', platform: 'linux/amd64', imagesFolder, signal });
 * ```
 */
export async function pullImage(request: PullRequest): Promise<LocalImage> {
  const reference = parseReference(request.reference);
  const platform = parsePlatform(request.platform);
  const name = formatReference(reference);
  const client = new RegistryClient(reference, request);
  const parts = new ImageParts(request, client, openStore(request.imagesFolder));
  const resolvedDigest = await client.resolve(request.signal);
  const { manifest, digest } = await parts.manifest(resolvedDigest, platform, name);
  const config = parseOciConfig(await parts.config(manifest.config), `the configuration of ${name}`);
  requirePlatform(config.platform, platform, name);
  const pairs = pairLayers(manifest.layers, config, name);
  await parts.layers(manifest.layers);
  return {
    reference: name,
    digest,
    resolvedDigest,
    config: config.image,
    layers: pairs.map(({ layer, diffId }) => parts.layer(layer, diffId)),
    created: config.created,
    sizeBytes: manifest.layers.reduce((total, { size }) => total + size, 0),
    blobs: [
      ...new Set([
        resolvedDigest,
        digest,
        manifest.config.digest,
        ...manifest.layers.map((layer) => layer.digest),
      ]),
    ],
    fromCache: parts.fromCache,
  };
}

/**
 * The digest that a name has in its registry now: compare it with `resolvedDigest` of an image to see whether a tag was
 * moved. Fetches no image.
 */
export async function resolveDigest(
  request: RegistryOptions & { readonly reference: string; readonly signal: AbortSignal },
): Promise<string> {
  return new RegistryClient(parseReference(request.reference), request).resolve(request.signal);
}

function openStore(imagesFolder: string): BlobStore {
  try {
    return BlobStore.open(imagesFolder);
  } catch (error) {
    throw toSmolVMError(error, `use ${imagesFolder}`);
  }
}
