import type { ImagePlatform } from './platform.ts';
import type { RegistryOptions } from './registry-client.ts';

/** How far a blob of the image has come. */
export interface PullProgress {
  /** The digest of the layer, as stored. */
  readonly layer: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** An image to get from a registry. */
export interface PullRequest extends RegistryOptions {
  /** `python:3.12`, `ghcr.io/a/b@sha256:…`. */
  readonly reference: string;
  readonly platform: ImagePlatform;
  /** A private folder; blobs are kept in `blobs/` in it. */
  readonly imagesFolder: string;
  readonly signal: AbortSignal;
  /** Called for each piece of each layer, and once for a layer that was there. */
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  /** Read what was there, too, to see that it is whole. Default false. */
  readonly verify?: boolean | undefined;
  /** The most that one layer may unpack to, in bytes. Default 256 GiB. */
  readonly maxUnpackedBytes?: number | undefined;
}
