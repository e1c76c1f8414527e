import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { ZstdFrames } from './zstd-frames.ts';

/** Compressed bytes that the zstd decoder gets at once: its blocks of 4 bytes can stand for 128 KiB each. */
const ZSTD_PIECE_BYTES = 512;
const GZIP_CHUNK_BYTES = 64 * 1024;
/** How much of the beginning tells the compression. */
export const MAGIC_BYTES = 4;

/** How bytes are compressed, by what they begin with: the media types of layers do not always tell the truth. */
export function compressionOf(magic: Buffer): 'gzip' | 'zstd' | 'none' {
  if (magic.length < MAGIC_BYTES) return 'none';
  if (magic.readUInt16BE(0) === 0x1f8b) return 'gzip';
  const word = magic.readUInt32LE(0);
  const isZstd = word === 0xfd2fb528 || (word & 0xfffffff0) >>> 0 === 0x184d2a50;
  return isZstd ? 'zstd' : 'none';
}

/** What the bytes stand for, as they come: no more is held than one step of the decoder gives. */
export function decompressed(
  source: Readable,
  compression: ReturnType<typeof compressionOf>,
): AsyncIterable<Uint8Array> {
  if (compression === 'none') return source;
  if (compression === 'zstd') return unzstd(source);
  // The errors of both are those of the last, which is read.
  return pipeline(source, createGunzip({ chunkSize: GZIP_CHUNK_BYTES }), () => undefined);
}

async function* unzstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  const frames = new ZstdFrames();
  const decoder = new Decompress((chunk) => pending.push(chunk));
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += ZSTD_PIECE_BYTES) {
      const piece = chunk.subarray(at, at + ZSTD_PIECE_BYTES);
      frames.push(piece);
      decoder.push(piece);
      yield* pending;
      pending = [];
    }
  }
  if (!frames.isComplete) throw new Error('it ends too early');
  decoder.push(new Uint8Array(0), true);
  yield* pending;
}
