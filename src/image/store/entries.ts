import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { errnoOf, toSmolVMError } from '../../errors.ts';
import { imageRecordSchema, type ImageRecord } from './image-record.ts';
import { readJsonFile } from './json-file.ts';
import { entryPaths, isImageKey, type EntryPaths, type StorePaths } from './layout.ts';

/** An image on disk, whole or not. */
export type Entry =
  | {
      readonly state: 'ready';
      readonly key: string;
      readonly paths: EntryPaths;
      readonly record: ImageRecord;
    }
  | { readonly state: 'damaged'; readonly key: string; readonly paths: EntryPaths; readonly problem: string };

/** One that can be booted. */
export type ReadyEntry = Entry & { readonly state: 'ready' };

/** The image of a key; undefined if there is nothing of it. */
export function readEntry(store: StorePaths, key: string): Entry | undefined {
  const paths = entryPaths(store, key);
  if (!existsSync(paths.folder)) return undefined;
  const damaged = (problem: string): Entry => ({ state: 'damaged', key, paths, problem });
  const read = readJsonFile(paths.record, imageRecordSchema);
  if (read === undefined) return damaged(`there is no ${paths.record}`);
  if (!read.isGood) return damaged(read.problem);
  const record = read.value;
  if (record.key !== key) return damaged(`${paths.record} is of another image`);
  const problem = rootfsProblem(paths.rootfs, record.sizeBytes);
  return problem === undefined ? { state: 'ready', key, paths, record } : damaged(problem);
}

/** All images, by key. */
export function listEntries(store: StorePaths): readonly Entry[] {
  const keys = existsSync(store.rootfs) ? readdirSync(store.rootfs).filter(isImageKey).sort() : [];
  return keys.flatMap((key) => readEntry(store, key) ?? []);
}

/** The superblock is at 1024, its magic at 56 in it. */
const MAGIC_POSITION = 1_080;
const EXT4_MAGIC = 0xef53;

/** Why there is no file system of this size; looks at its first block only. */
export function rootfsProblem(path: string, sizeBytes: number): string | undefined {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) return `${path} is not a regular file`;
      if (stats.size !== sizeBytes)
        return `${path} has ${String(stats.size)} bytes, not ${String(sizeBytes)}`;
      const magic = Buffer.alloc(2);
      readSync(descriptor, magic, 0, magic.length, MAGIC_POSITION);
      return magic.readUInt16LE(0) === EXT4_MAGIC ? undefined : `${path} is no ext4 file system`;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return `there is no ${path}`;
    if (errnoOf(error) === 'ELOOP') return `${path} is a link`;
    throw toSmolVMError(error, `look at ${path}`);
  }
}
