import { lstatSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbandoned, ownedName } from '../../base/owned-name.ts';

/** Makes a private folder for temporary files in `parent`, and removes those there whose processes are dead. */
export async function makeWorkFolder(parent: string): Promise<string> {
  await removeDead(parent);
  const path = join(parent, ownedName('rootfs'));
  await mkdir(path, { mode: 0o700 });
  return path;
}

async function removeDead(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!isAbandoned(name)) continue;
    const path = join(parent, name);
    // In a folder that others may write to, it may be another user's; and another process may just remove it.
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && stats.uid === process.getuid?.())
      await rm(path, { recursive: true, force: true });
  }
}
