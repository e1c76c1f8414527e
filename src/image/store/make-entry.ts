import { chmodSync, renameSync, statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Cleanup } from '../../base/cleanup.ts';
import { ensurePrivateFolder } from '../../base/private-folder.ts';
import { lockAmongProcesses } from '../../base/process-lock.ts';
import { useDisposable } from '../../base/use-disposable.ts';
import { syncFolder } from '../../base/write-atomic.ts';
import { errnoOf, ImageError, toSmolVMError } from '../../errors.ts';
import { makeWorkFolder } from '../rootfs/work-folder.ts';
import { readEntry, type ReadyEntry } from './entries.ts';
import type { ImageRecord } from './image-record.ts';
import { writeJsonFile } from './json-file.ts';
import { entryIn, entryPaths, type StorePaths } from './layout.ts';

/** All that is known of an image before its file system is there. */
export type NewRecord = Omit<ImageRecord, 'formatVersion' | 'sizeBytes' | 'createdAt'>;

/** How images are made. */
export interface MakeHow {
  readonly store: StorePaths;
  readonly signal: AbortSignal;
  /** Another process makes the same image; this one takes what comes of it. */
  readonly onWait?: (() => void) | undefined;
  /** What was there could not be used and is made again. */
  readonly onDamage?: ((problem: string) => void) | undefined;
  /** Does the change of files that VMs may use, or refuses it. */
  readonly replace: (rootfsPath: string, change: () => void) => void;
}

/** A private folder of the store for something that is being made; gone with `undo`. */
export async function workFolder(store: StorePaths, undo: Cleanup): Promise<string> {
  ensurePrivateFolder(store.images);
  ensurePrivateFolder(store.rootfs);
  const work = await makeWorkFolder(store.rootfs);
  undo.defer(`remove ${work}`, () => rm(work, { recursive: true, force: true }));
  return work;
}

/**
 * The image of a key: as it is there, or made. Of several processes one makes it; the others wait and take it, and one of
 * them takes over from a maker that fails or dies.
 *
 * @param make - writes the file system to the path it is given, and tells what it is
 */
export async function ensureEntry(
  how: MakeHow,
  key: string,
  make: (rootfsPath: string) => Promise<NewRecord>,
): Promise<ReadyEntry> {
  const { store, signal } = how;
  const found = readEntry(store, key);
  if (found?.state === 'ready') return found;
  ensurePrivateFolder(store.images);
  const lock = await lockAmongProcesses(`image ${store.images} ${key}`, signal, how.onWait);
  return useDisposable(lock, async () => {
    const again = readEntry(store, key);
    if (again?.state === 'ready') return again;
    if (again !== undefined) how.onDamage?.(again.problem);
    return makeEntry(how, make);
  });
}

/** Makes an image whose key is known when it is made; one of the same key that is there is taken instead. */
export async function makeEntry(
  how: MakeHow,
  make: (rootfsPath: string) => Promise<NewRecord>,
): Promise<ReadyEntry> {
  const undo = new Cleanup();
  try {
    const work = await workFolder(how.store, undo);
    const folder = join(work, 'image');
    await mkdir(folder, { mode: 0o700 });
    const fresh = entryIn(folder);
    const record = await make(fresh.rootfs);
    chmodSync(fresh.rootfs, 0o444);
    await writeJsonFile(fresh.record, {
      formatVersion: 1,
      ...record,
      sizeBytes: statSync(fresh.rootfs).size,
      createdAt: new Date().toISOString(),
    });
    how.signal.throwIfAborted();
    const entry = publish(how, record.key, work);
    await syncFolder(how.store.rootfs);
    await undo.run();
    return entry;
  } catch (error) {
    await undo.run();
    how.signal.throwIfAborted();
    throw toSmolVMError(error, 'make an image');
  }
}

/**
 * Gives the finished folder its place. An image of the same key that another process has put there meanwhile stays; a
 * damaged one goes the way of the work folder.
 */
function publish({ store, replace }: MakeHow, key: string, work: string): ReadyEntry {
  const { folder, rootfs } = entryPaths(store, key);
  const place = (): void => {
    renameSync(join(work, 'image'), folder);
  };
  try {
    if (readEntry(store, key)?.state === 'damaged')
      replace(rootfs, () => {
        renameSync(folder, join(work, 'damaged'));
        place();
      });
    else place();
  } catch (error) {
    const isTaken = errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST';
    if (!isTaken) throw error;
  }
  const entry = readEntry(store, key);
  if (entry?.state === 'ready') return entry;
  throw new ImageError(`the image in ${folder} is damaged: ${entry?.problem ?? 'it is gone'}`, {
    hint: 'Try again.',
  });
}
