import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbandoned, ownedName } from '../../base/owned-name.ts';
import { errnoOf } from '../../errors.ts';

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
    try {
      // In a folder that others may write to, it may be another user's or a trap.
      const { uid } = await lstat(path);
      if (uid === process.getuid?.()) await rm(path, { recursive: true, force: true });
    } catch (error) {
      // Another process removes it too.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}
