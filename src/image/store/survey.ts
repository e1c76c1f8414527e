import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isAbandoned } from '../../base/owned-name.ts';
import { diskBytes } from './disk-space.ts';
import { listEntries, type Entry } from './entries.ts';
import type { StorePaths } from './layout.ts';
import { listNames } from './names.ts';
import type { Found, FoundEntry, StoreFacts } from './prune-plan.ts';

/** What only the caller knows. */
export interface SurveyGround {
  /** The VMs and retained disks over a file. */
  readonly usersOf: (path: string) => readonly string[];
  /** Digests of the assets that this smolvm comes with. */
  readonly currentAssets: readonly string[];
  readonly somebodyMakes: boolean;
}

/** A file that is written in one go is written in less. */
const FORGOTTEN_AFTER_MS = 24 * 60 * 60 * 1_000;

/** Looks at all that is in the store. */
export function surveyStore(store: StorePaths, ground: SurveyGround): StoreFacts {
  const { names, damagedFiles } = listNames(store);
  return {
    names,
    damagedNameFiles: damagedFiles.map(found),
    entries: listEntries(store).map((entry) => foundEntry(entry, ground)),
    blobs: blobsIn(store),
    leftovers: leftoversIn(store),
    assets: assetsIn(store, ground),
    somebodyMakes: ground.somebodyMakes,
  };
}

function foundEntry(entry: Entry, { usersOf }: SurveyGround): FoundEntry {
  return {
    ...found(entry.paths.folder),
    key: entry.key,
    isDamaged: entry.state === 'damaged',
    usedBy: usersOf(entry.paths.rootfs),
    blobs: entry.state === 'ready' ? entry.record.blobs : [],
  };
}

function blobsIn({ blobs }: StorePaths): StoreFacts['blobs'] {
  return namesIn(blobs).flatMap((algorithm) =>
    namesIn(join(blobs, algorithm))
      .filter((name) => /^[0-9a-f]+(?:\.[0-9a-f.-]*partial)?$/.test(name))
      .map((name) => ({ ...found(join(blobs, algorithm, name)), digest: `${algorithm}:${name}` })),
  );
}

function leftoversIn(store: StorePaths): readonly Found[] {
  const abandoned = [store.rootfs, store.makers].flatMap((folder) =>
    namesIn(folder)
      .filter(isAbandoned)
      .map((name) => join(folder, name)),
  );
  // These do not say whose they are.
  const forgotten = [store.images, store.names].flatMap((folder) =>
    namesIn(folder)
      .filter((name) => /\.[0-9a-f]{12}\.tmp$/.test(name) && !name.startsWith('.'))
      .map((name) => join(folder, name))
      .filter(isForgotten),
  );
  return [...abandoned, ...forgotten].map(found);
}

function isForgotten(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > FORGOTTEN_AFTER_MS;
}

/** Unpacked assets by digest, and kernels in folders `<version>-<begin of the digest>`. */
function assetsIn({ images }: StorePaths, { usersOf, currentAssets }: SurveyGround): StoreFacts['assets'] {
  return namesIn(images).flatMap((name) => {
    const digest = /^(?:[0-9a-z][0-9a-z.]*-)?([0-9a-f]{16}|[0-9a-f]{64})$/.exec(name)?.[1];
    if (digest === undefined) return [];
    const path = join(images, name);
    const file = digest.length === 64 ? path : join(path, 'vmlinux');
    const isCurrent = currentAssets.some((one) => one.startsWith(digest));
    return [{ ...found(path), isUsed: isCurrent || usersOf(file).length > 0 }];
  });
}

function found(path: string): Found {
  return { path, diskBytes: diskBytes(path) };
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
