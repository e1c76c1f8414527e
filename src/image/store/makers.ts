import { existsSync, readdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbandoned, ownedName, ownerOfName } from '../../base/owned-name.ts';
import { ensurePrivateFolder } from '../../base/private-folder.ts';
import { lockAmongProcesses } from '../../base/process-lock.ts';
import { useDisposable } from '../../base/use-disposable.ts';
import type { StorePaths } from './layout.ts';

/**
 * Does something that fetches blobs or makes an image and then names it. While anybody does, {@link cleaning} leaves alone
 * what has no name yet and blobs of which no image was made yet.
 */
export async function making<T>(store: StorePaths, signal: AbortSignal, make: () => Promise<T>): Promise<T> {
  ensurePrivateFolder(store.images);
  ensurePrivateFolder(store.makers);
  const file = join(store.makers, ownedName('maker'));
  const lock = await lockAmongProcesses(cleaningLock(store), signal);
  await useDisposable(lock, () => writeFile(file, '', { flag: 'wx', mode: 0o600 }));
  try {
    return await make();
  } finally {
    await rm(file, { force: true });
  }
}

/** Does something that removes from the store, alone; no image begins to be made meanwhile. */
export async function cleaning<T>(
  store: StorePaths,
  signal: AbortSignal,
  clean: (somebodyMakes: boolean) => Promise<T>,
): Promise<T> {
  ensurePrivateFolder(store.images);
  const lock = await lockAmongProcesses(cleaningLock(store), signal);
  return useDisposable(lock, () => clean(liveMakers(store)));
}

function cleaningLock(store: StorePaths): string {
  return `clean ${store.images}`;
}

function liveMakers({ makers }: StorePaths): boolean {
  const names = existsSync(makers) ? readdirSync(makers) : [];
  return names.some((name) => ownerOfName(name) !== undefined && !isAbandoned(name));
}
