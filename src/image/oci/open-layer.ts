import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { errnoOf, ImageError, toSmolVMError } from '../../errors.ts';
import { compressionOf, decompressed, MAGIC_BYTES } from './decompress.ts';
import { DigestCheck } from './digest.ts';

/** Where the bytes of a layer are, and what they must come to. */
export interface LayerSource {
  /** For messages: the digest. */
  readonly name: string;
  readonly path: string;
  /** Where in the file it begins, in bytes. */
  readonly offset: number;
  /** As stored. */
  readonly sizeBytes: number;
  /** The digest of the unpacked bytes. */
  readonly diffId: string;
  /** The most that it may unpack to, in bytes. */
  readonly maxUnpackedBytes: number;
}

/**
 * The layer as plain tar bytes. The stream fails at its end, before it says that it has ended, if they are not what the
 * image's configuration says.
 */
export async function openLayer(source: LayerSource, signal: AbortSignal): Promise<Readable> {
  signal.throwIfAborted();
  const handle = await openFile(source);
  let compression: ReturnType<typeof compressionOf>;
  try {
    const magic = Buffer.alloc(Math.min(MAGIC_BYTES, source.sizeBytes));
    await handle.read(magic, 0, magic.length, source.offset);
    compression = compressionOf(magic);
  } catch (error) {
    await handle.close();
    throw toSmolVMError(error, `read ${source.path}`);
  }
  const stream = Readable.from(checkedBytes(source, handle, compression), { objectMode: false });
  const abort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  stream.once('close', () => {
    signal.removeEventListener('abort', abort);
    // A generator that nobody has begun cleans up nothing. The handle's second close does nothing.
    void handle.close();
  });
  return stream;
}

async function* checkedBytes(
  source: LayerSource,
  handle: FileHandle,
  compression: ReturnType<typeof compressionOf>,
): AsyncGenerator<Uint8Array> {
  const check = new DigestCheck(source.diffId);
  let unpackedBytes = 0;
  let isWithReader = false;
  try {
    for await (const chunk of decompressed(storedBytes(source, handle), compression)) {
      unpackedBytes += chunk.length;
      if (unpackedBytes > source.maxUnpackedBytes)
        throw new Error(`it unpacks to more than ${String(source.maxUnpackedBytes)} bytes`);
      check.update(chunk);
      isWithReader = true;
      yield chunk;
      isWithReader = false;
    }
    const found = check.found();
    if (found !== source.diffId)
      throw new Error(`its contents have the digest ${found}, not ${source.diffId}`);
  } catch (error) {
    // Whoever destroys the stream, as an abort does, says why: that is no fault of the layer.
    if (isWithReader) throw error;
    if (errnoOf(error) !== undefined) throw toSmolVMError(error, `read ${source.path}`);
    throw damaged(source, error);
  }
}

function storedBytes({ offset, sizeBytes }: LayerSource, handle: FileHandle): Readable {
  if (sizeBytes === 0) return Readable.from([], { objectMode: false });
  return handle.createReadStream({ start: offset, end: offset + sizeBytes - 1, autoClose: true });
}

async function openFile({ name, path, offset, sizeBytes }: LayerSource): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    const { size } = await handle.stat();
    if (size >= offset + sizeBytes) return handle;
    await handle.close();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toSmolVMError(error, `open ${path}`);
  }
  throw new ImageError(`the layer ${name} is not there any more`, {
    hint: 'Get the image again.',
    details: { path },
  });
}

function damaged({ name, path }: LayerSource, cause: unknown): ImageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ImageError(`the layer ${name} cannot be used: ${reason}`, {
    hint: 'Pull the image again with verify; if that does not help, the image itself is broken.',
    details: { path },
    cause,
  });
}
