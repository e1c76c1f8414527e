import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from '../../base/cleanup.ts';
import { writeAll, writeFileAtomic } from '../../base/write-atomic.ts';
import { errnoOf, toSmolVMError } from '../../errors.ts';
import { buildOnce } from './build-once.ts';
import { watched, type OnImageProgress } from './image-progress.ts';

/** A root file system in a folder of its own, with a file beside it that says what it was made from. */
export interface MarkedImage {
  readonly folder: string;
  /** The name of that file. The image counts only with it, so it is written last and removed first. */
  readonly markerName: string;
  /** Does this text say what is wanted? */
  readonly isWanted: (marker: string) => boolean;
  readonly marker: string;
  readonly signal: AbortSignal;
  readonly onProgress: OnImageProgress | undefined;
  /** Writes the file system to `path`. */
  readonly make: (path: string, work: string, undo: Cleanup) => Promise<void>;
}

/** Larger than any marker that we write. */
const MAX_MARKER_BYTES = 128 * 1024 * 1024;

/** The path of the root file system, made if it is not there as it is wanted. */
export async function ensureMarkedImage(image: MarkedImage): Promise<string> {
  const { folder, signal } = image;
  const rootfs = join(folder, 'rootfs.ext4');
  const markerPath = join(folder, image.markerName);
  const tell = watched(image.onProgress);
  await buildOnce({
    folder,
    signal,
    onWait: () => {
      tell({ step: 'wait' });
    },
    isReady: async () => {
      const marker = await readMarker(markerPath);
      return marker !== undefined && image.isWanted(marker) && (await isImage(rootfs));
    },
    make: async (work, undo) => {
      const temporary = join(folder, '.rootfs.tmp.ext4');
      await rm(temporary, { force: true });
      undo.defer(`remove ${temporary}`, () => rm(temporary, { force: true }));
      await image.make(temporary, work, undo);
      signal.throwIfAborted();
      await rm(markerPath, { force: true });
      await rename(temporary, rootfs);
      const text = Buffer.from(image.marker, 'utf8');
      await writeFileAtomic({ path: markerPath, mode: 0o600, write: (file) => writeAll(file, text, 0) });
    },
  });
  return rootfs;
}

async function readMarker(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > MAX_MARKER_BYTES) return undefined;
    return await readFile(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    // A folder in its place is no marker either.
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EISDIR') return undefined;
    throw toSmolVMError(error, `read ${path}`);
  }
}

async function isImage(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size > 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toSmolVMError(error, `look at ${path}`);
  }
}
