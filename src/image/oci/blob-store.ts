import { createReadStream, lstatSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateFolder } from '../../base/private-folder.ts';
import { writeAll, writeFileAtomic } from '../../base/write-atomic.ts';
import { DigestCheck, digestOf, splitDigest } from './digest.ts';
import { sweepParts } from './partial-file.ts';

/** A blob as documents speak of it. */
export interface BlobName {
  readonly digest: string;
  readonly size: number;
}

const ALGORITHMS = ['sha256', 'sha512'];

/** Blobs by digest, `blobs/sha256/<hex>` in the folder of images: whole, checked, read-only. */
export class BlobStore {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static open(imagesFolder: string): BlobStore {
    ensurePrivateFolder(imagesFolder);
    const folder = join(imagesFolder, 'blobs');
    for (const algorithm of ALGORITHMS) {
      mkdirSync(join(folder, algorithm), { recursive: true, mode: 0o700 });
      sweepParts(join(folder, algorithm));
    }
    return new BlobStore(folder);
  }

  path(digest: string): string {
    const { algorithm, hex } = splitDigest(digest);
    return join(this.#folder, algorithm, hex);
  }

  /** Is it there, with the size it should have? */
  has({ digest, size }: BlobName): boolean {
    const stats = lstatSync(this.path(digest), { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size === size;
  }

  /** Are its contents still what its name says? Reads all of it. */
  async isIntact({ digest }: BlobName, signal: AbortSignal): Promise<boolean> {
    const check = new DigestCheck(digest);
    const stream = createReadStream(this.path(digest), { signal });
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) check.update(chunk);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
    return check.found() === digest;
  }

  /** The bytes of a small blob, checked; undefined if it is not there or damaged. */
  async read(digest: string, maxBytes: number): Promise<Buffer | undefined> {
    const stats = lstatSync(this.path(digest), { throwIfNoEntry: false });
    if (stats?.isFile() !== true || stats.size > maxBytes) return undefined;
    const bytes = await readFile(this.path(digest));
    return digestOf(bytes, digest) === digest ? bytes : undefined;
  }

  /** Stores a small blob whose digest was checked. */
  async write(digest: string, bytes: Uint8Array): Promise<void> {
    const path = this.path(digest);
    await writeFileAtomic({ path, mode: 0o444, write: (file) => writeAll(file, bytes, 0) });
  }
}
