import { mkdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ownedName } from '../../base/owned-name.ts';
import { isSmolVMError } from '../../errors.ts';
import { readEntry } from '../../image/store/entries.ts';
import { canonicalName, shortName } from '../../image/store/image-name.ts';
import { entryPaths, type StorePaths } from '../../image/store/layout.ts';
import { cleaning } from '../../image/store/makers.ts';
import { listNames, removeName } from '../../image/store/names.ts';
import type { Services } from '../services.ts';
import { changeUnused } from './image-users.ts';
import { imageStore } from './store-context.ts';
import { noSuchImage } from './stored-image.ts';

/** What became of an image whose name was removed. */
export interface RemovedImage {
  readonly name: string;
  readonly key: string;
  /** Are its files gone too? Not while it has another name, or a VM uses it. */
  readonly filesRemoved: boolean;
}

/**
 * Removes a name and, with the last one, the image.
 *
 * @param force - remove the last name also of an image that VMs use; its files stay for them
 * @throws SmolVMError `BUSY` that names the VMs; ImageError if there is no such name
 */
export async function removeNamedImage(
  services: Services,
  name: unknown,
  { force }: { readonly force: boolean },
): Promise<RemovedImage> {
  const store = imageStore(services);
  const canonical = canonicalName(name);
  return cleaning(store, new AbortController().signal, async (somebodyMakes) => {
    const { names } = listNames(store);
    const key = names.find((one) => one.name === canonical)?.key;
    if (key === undefined) throw noSuchImage(canonical);
    const removed = { name: shortName(canonical), key };
    const isLast = names.every((one) => one.name === canonical || one.key !== key);
    // An image that is being made may be this one.
    if (!isLast || somebodyMakes || readEntry(store, key) === undefined) {
      await removeName(store, canonical);
      return Object.freeze({ ...removed, filesRemoved: false });
    }
    const filesRemoved = await tryRemoveEntry(services, store, { key, name: removed.name, force });
    await removeName(store, canonical);
    return Object.freeze({ ...removed, filesRemoved });
  });
}

async function tryRemoveEntry(
  services: Services,
  store: StorePaths,
  { key, name, force }: { readonly key: string; readonly name: string; readonly force: boolean },
): Promise<boolean> {
  try {
    await removeEntry(services, store, key, `the image '${name}'`);
    return true;
  } catch (error) {
    if (force && isSmolVMError(error, 'BUSY')) return false;
    throw error;
  }
}

/** Removes the files of an image that no VM uses. @throws SmolVMError `BUSY` */
export async function removeEntry(
  services: Services,
  store: StorePaths,
  key: string,
  what: string,
): Promise<void> {
  const { folder, rootfs } = entryPaths(store, key);
  // Its name says whose it is, should we die before all of it is gone.
  const doomed = join(store.rootfs, ownedName('removed'));
  changeUnused(services, rootfs, what, () => {
    mkdirSync(doomed, { mode: 0o700 });
    renameSync(folder, join(doomed, key));
  });
  await rm(doomed, { recursive: true, force: true });
}
