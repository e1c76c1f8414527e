import { open } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeAll, type FileWriter } from '../../base/write-atomic.ts';
import { ImageError } from '../../errors.ts';

const deflate = promisify(gzip);

const CHUNK_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);
/** Images are large and compress well; more effort costs much more time than it saves space. */
const LEVEL = 3;

/** Bytes as they were counted and hashed. */
export interface Measured {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Compresses a file that is mostly holes: each piece is a gzip member of its own, and that of a piece of zeros is made
 * only once. Any gunzip reads it.
 *
 * @param onBytes - is told how many bytes of the file were read
 */
export async function* gzipSparse(
  path: string,
  signal: AbortSignal,
  onBytes: (doneBytes: number) => void = () => undefined,
): AsyncGenerator<Buffer, Measured> {
  const zeroMember = await deflate(ZEROS, { level: LEVEL });
  const hash = createHash('sha256');
  const handle = await open(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let sizeBytes = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, sizeBytes);
      if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') };
      const piece = chunk.subarray(0, bytesRead);
      hash.update(piece);
      sizeBytes += bytesRead;
      onBytes(sizeBytes);
      yield piece.equals(ZEROS) ? zeroMember : await deflate(piece, { level: LEVEL });
    }
  } finally {
    await handle.close();
  }
}

/**
 * Decompresses into a file, with holes for zeros, and measures what came. More than `maxBytes` is refused when it comes.
 */
export async function gunzipSparse(
  compressed: Readable,
  file: FileWriter,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Measured> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const sink = new Writable({
    highWaterMark: CHUNK_BYTES,
    write(bytes: Buffer, _encoding, done): void {
      const position = sizeBytes;
      sizeBytes += bytes.length;
      hash.update(bytes);
      if (sizeBytes > maxBytes) done(new ImageError('it unpacks to more than it says'));
      else if (isZero(bytes)) done();
      else writeAll(file, bytes, position).then(() => done(), done);
    },
  });
  await pipeline(compressed, createGunzip({ chunkSize: 128 * 1024 }), sink, { signal });
  // Zeros at the end are a hole: the size says that they are there.
  await file.truncate(sizeBytes);
  return { sizeBytes, sha256: hash.digest('hex') };
}

function isZero(bytes: Buffer): boolean {
  return bytes.length <= CHUNK_BYTES && bytes.equals(ZEROS.subarray(0, bytes.length));
}
