import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../errors.ts';

/** The bytes that a file, or all below a folder, take on the disk: holes count for nothing. Gone is 0. */
export function diskBytes(path: string): number {
  try {
    const stats = lstatSync(path);
    const own = stats.blocks * 512;
    if (!stats.isDirectory()) return own;
    return readdirSync(path).reduce((total, name) => total + diskBytes(join(path, name)), own);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
