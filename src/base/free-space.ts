import { statfsSync } from 'node:fs';
import { SmolVMError, toSmolVMError } from '../errors.ts';

/** Below this much free space nothing new is made: a guest could hardly write, and the host itself needs some. */
export const SPACE_RESERVE_BYTES = 64 * 1024 * 1024;

/** Bytes that we may still write to the file system that holds `path`. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (error) {
    throw toSmolVMError(error, `look at the free space of ${path}`);
  }
}

/** Fails with `NO_SPACE` unless `neededBytes` and the reserve are free. */
export function requireSpace(path: string, neededBytes: number): void {
  const free = freeBytes(path);
  const needed = neededBytes + SPACE_RESERVE_BYTES;
  if (free >= needed) return;
  throw new SmolVMError('NO_SPACE', `${path} has ${mib(free)} MiB free, ${mib(needed)} MiB are needed`, {
    hint: 'Free some disk space, or move the state with SMOLVM_HOME.',
    details: { path, neededBytes: needed, freeBytes: free },
  });
}

function mib(bytes: number): string {
  return String(Math.floor(bytes / 1024 / 1024));
}
