import type { Layer } from '../rootfs/layer.ts';
import { layerFailure } from '../rootfs/layer-problem.ts';
import { ByteSource } from '../rootfs/tar/byte-source.ts';
import { readTar, type TarEntry } from '../rootfs/tar/read-tar.ts';

/** A file as it is in a layer. */
export interface FoundFile {
  readonly entry: Omit<TarEntry, 'body'>;
  readonly contents: Buffer;
}

/** A larger file is not what is looked for. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Reads a layer as far as to the file of this name; undefined if it has none. */
export async function findInLayer(
  layer: Layer,
  name: string,
  signal: AbortSignal,
): Promise<FoundFile | undefined> {
  const stream = await layer.open(signal);
  // It is thrown where the stream is read; when nobody reads any more, nobody needs it.
  stream.on('error', () => undefined);
  try {
    for await (const { body, ...entry } of readTar(new ByteSource(stream, signal))) {
      if (entry.kind !== 'file' || entry.sizeBytes > MAX_FILE_BYTES) continue;
      if (entry.name.replace(/^(?:\.?\/)+/, '') !== name) continue;
      const pieces: Buffer[] = [];
      for await (const piece of body) pieces.push(piece);
      return { entry, contents: Buffer.concat(pieces) };
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    throw layerFailure(error, layer.name, null);
  } finally {
    stream.destroy();
  }
}
