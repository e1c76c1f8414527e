import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, ownProcessRef, type ProcessRef } from '../../base/process-ref.ts';

/** The name tells who works there, so that what a killed process left is known as that. */
const NAME = /^\.rootfs-(\d+)-(\d+)-([0-9a-f-]{36})-[0-9a-f]{12}\.tmp$/;

/** Makes a private folder for temporary files in `parent`, and removes those there whose processes are dead. */
export async function makeWorkFolder(parent: string): Promise<string> {
  await removeDead(parent);
  const { pid, startTicks, bootId } = ownProcessRef();
  const path = join(parent, `.rootfs-${pid}-${startTicks}-${bootId}-${randomBytes(6).toString('hex')}.tmp`);
  await mkdir(path, { mode: 0o700 });
  return path;
}

async function removeDead(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = ownerOf(name);
    if (owner === undefined || isAlive(owner)) continue;
    const path = join(parent, name);
    // In a folder that others may write to, it may be another user's; and another process may just remove it.
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && stats.uid === process.getuid?.())
      await rm(path, { recursive: true, force: true });
  }
}

function ownerOf(name: string): ProcessRef | undefined {
  const [, pid, startTicks, bootId] = NAME.exec(name) ?? [];
  if (pid === undefined || startTicks === undefined || bootId === undefined) return undefined;
  return { pid: Number(pid), startTicks: Number(startTicks), bootId };
}
