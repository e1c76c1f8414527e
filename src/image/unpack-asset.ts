import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { Decompress } from 'fzstd';
import { writeAll, writeFileAtomic, type FileWriter } from '../base/write-atomic.ts';
import { errnoOf, ImageError } from '../errors.ts';
import type { Asset } from './manifest.ts';

/** Compressed bytes taken at once: 4 of them can stand for 128 KiB of zeros, so this bounds what is held in memory. */
const PIECE_BYTES = 512;

/**
 * The contents of a shipped asset as a file, mode 0444, made on first use. What is not what the manifest says never
 * appears.
 *
 * @param path - must name the digest: a file that has the size of the asset is taken for it
 * @returns the file's path
 */
export async function unpackAsset(asset: Asset, assetsFolder: string, path: string): Promise<string> {
  if (sizeOf(path) === asset.sizeBytes) return path;
  const source = join(assetsFolder, asset.file);
  await writeFileAtomic({ path, mode: 0o444, write: (file) => decompressInto(file, source, asset) });
  return path;
}

async function decompressInto(file: FileWriter, source: string, asset: Asset): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let pending: Uint8Array[] = [];
  const decompress = new Decompress((chunk) => pending.push(chunk));
  const take = async (compressed: Uint8Array): Promise<void> => {
    decompress.push(compressed);
    for (const chunk of pending) {
      hash.update(chunk);
      const end = sizeBytes + chunk.length;
      if (end > asset.sizeBytes) throw new Error('it is larger than its manifest says');
      if (!isZero(chunk)) await writeAll(file, chunk, sizeBytes);
      sizeBytes = end;
    }
    pending = [];
  };
  try {
    for await (const piece of createReadStream(source) as AsyncIterable<Buffer>) {
      for (let at = 0; at < piece.length; at += PIECE_BYTES) await take(piece.subarray(at, at + PIECE_BYTES));
    }
  } catch (error) {
    if (errnoOf(error) !== undefined && errnoOf(error) !== 'ENOENT') throw error;
    throw damaged(source, error instanceof Error ? error.message : String(error), error);
  }
  // Trailing zeros are a hole: the size says that they are there.
  await file.truncate(sizeBytes);
  const found = hash.digest('hex');
  if (found !== asset.sha256)
    throw damaged(source, `its contents have the sha256 ${found}, not ${asset.sha256}`);
}

function damaged(path: string, reason: string, cause?: unknown): ImageError {
  return new ImageError(`the asset ${path} is missing or damaged: ${reason}`, {
    hint: 'Install smolvm again, or in a clone: npm run assets:build',
    cause,
  });
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

const ZEROS = Buffer.alloc(128 * 1024);

function isZero(chunk: Uint8Array): boolean {
  for (let at = 0; at < chunk.length; at += ZEROS.length) {
    const part = chunk.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}
