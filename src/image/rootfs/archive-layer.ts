import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { ImageError, toSmolVMError } from '../../errors.ts';
import type { Layer } from './layer.ts';
import { ZstdGuard } from './zstd-guard.ts';

/** Compressed bytes taken at once: 4 of them can stand for 128 KiB of zeros, so this bounds what is held in memory. */
const ZSTD_PIECE_BYTES = 512;
const READ_BYTES = 256 * 1024;

/** How the bytes of an archive are packed. */
export type Compression = 'none' | 'gzip' | 'zstd';

/**
 * A tar archive of this host as a layer: plain, gzip or zstd, whatever its name says.
 *
 * @example
 * ```ts
 * const layer = archiveLayer('/tmp/rootfs.tar.gz');
 * ```
 */
export function archiveLayer(path: string): Layer {
  return { name: path, open: () => openArchive(path) };
}

async function openArchive(path: string): Promise<Readable> {
  try {
    const handle = await open(path, 'r');
    try {
      if (!(await handle.stat()).isFile()) throw new ImageError(`${path} is no file`);
      const start = Buffer.alloc(6);
      const { bytesRead } = await handle.read(start, 0, start.length, 0);
      const compression = compressionOf(start.subarray(0, bytesRead));
      const stream = handle.createReadStream({ start: 0, highWaterMark: READ_BYTES });
      return compression === undefined ? refuse(path) : decompressed(stream, compression);
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw toSmolVMError(error, `open ${path}`);
  }
}

function refuse(path: string): never {
  throw new ImageError(`${path} is compressed in a way that smolvm does not know`, {
    hint: 'Unpack it, or pack it with gzip or zstd.',
  });
}

/** By the first bytes; undefined: compressed otherwise (bzip2, xz, lz4). */
export function compressionOf(start: Buffer): Compression | undefined {
  const hex = start.toString('hex');
  if (hex.startsWith('1f8b')) return 'gzip';
  if (hex.startsWith('28b52ffd') || /^5.2a4d18/.test(hex)) return 'zstd';
  return ['425a68', 'fd377a585a00', '04224d18'].some((magic) => hex.startsWith(magic)) ? undefined : 'none';
}

/** The plain bytes of a compressed stream. Destroying it destroys the source; a failure of either is one of the result. */
export function decompressed(source: Readable, compression: Compression): Readable {
  switch (compression) {
    case 'none':
      return source;
    case 'gzip': {
      const gunzip = createGunzip({ chunkSize: READ_BYTES });
      source.once('error', (error) => gunzip.destroy(error));
      gunzip.once('close', () => source.destroy());
      return source.pipe(gunzip);
    }
    case 'zstd':
      return Readable.from(unzstd(source), { objectMode: false, highWaterMark: READ_BYTES });
  }
}

async function* unzstd(source: Readable): AsyncGenerator<Buffer> {
  const guard = new ZstdGuard();
  let pending: Buffer[] = [];
  const decompress = new Decompress(({ buffer, byteOffset, byteLength }) => {
    if (byteLength > 0) pending.push(Buffer.from(buffer, byteOffset, byteLength));
  });
  for await (const piece of source as AsyncIterable<Buffer>) {
    for (let at = 0; at < piece.length; at += ZSTD_PIECE_BYTES) {
      const part = piece.subarray(at, at + ZSTD_PIECE_BYTES);
      guard.push(part);
      decompress.push(part);
      yield* pending;
      pending = [];
    }
  }
  if (!guard.isComplete) throw new Error('the zstd data end too early');
  // A last frame of a few bytes waits for this.
  decompress.push(new Uint8Array(0), true);
  yield* pending;
}
