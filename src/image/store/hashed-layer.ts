import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Layer } from '../rootfs/layer.ts';

/** The same layers, and, once each has been read to its end, the digest of all that was read. */
export function hashedLayers(layers: readonly Layer[]): {
  readonly layers: readonly Layer[];
  readonly digest: () => string;
} {
  const hash = createHash('sha256');
  async function* counted(source: Readable): AsyncGenerator<Buffer> {
    try {
      for await (const bytes of source as AsyncIterable<Buffer>) {
        hash.update(bytes);
        yield bytes;
      }
    } finally {
      source.destroy();
    }
  }
  return {
    layers: layers.map((layer) => ({
      name: layer.name,
      open: async (signal) => Readable.from(counted(await layer.open(signal)), { objectMode: false }),
    })),
    digest: () => `sha256:${hash.digest('hex')}`,
  };
}
