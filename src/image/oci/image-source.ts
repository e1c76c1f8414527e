import type { ImageConfig } from '../../spec/image-config.ts';
import { ImageError } from '../../errors.ts';
import type { Layer } from '../rootfs/layer.ts';
import type { OciConfig } from './config.ts';
import { BROKEN_HINT } from './documents.ts';

/** An image whose parts are on this machine. */
export interface LocalImage {
  /** As it is written in full: `docker.io/library/python:3.12`; of an archive, its tag or its path. */
  readonly reference: string;
  /** Of the manifest for the platform; of a `docker save` archive without manifests, of the configuration. */
  readonly digest: string;
  /** What the reference named: an index, or the manifest itself. {@link resolveDigest} gives this. */
  readonly resolvedDigest: string;
  readonly config: ImageConfig;
  /** The lowest first. */
  readonly layers: readonly Layer[];
  /** When it was built, as the image says it (RFC 3339). */
  readonly created: string | undefined;
  /** Of the layers as stored. */
  readonly sizeBytes: number;
  /** The digests of all blobs that it was made of, where they are kept in the folder of images. */
  readonly blobs?: readonly string[];
  /** Was nothing fetched? */
  readonly fromCache: boolean;
}

/** No layer has as much; more is an attack or a mistake. */
export const DEFAULT_MAX_UNPACKED_BYTES = 256 * 1024 ** 3;

/** Pairs layers with the digests of their contents. @throws {@link ImageError} if these are not as many */
export function pairLayers<T>(
  layers: readonly T[],
  { diffIds }: OciConfig,
  what: string,
): readonly { readonly layer: T; readonly diffId: string }[] {
  if (layers.length !== diffIds.length)
    throw new ImageError(
      `${what} has ${String(layers.length)} layers, its configuration knows ${String(diffIds.length)}`,
      { hint: BROKEN_HINT },
    );
  return layers.map((layer, index) => ({ layer, diffId: diffIds[index] ?? '' }));
}
