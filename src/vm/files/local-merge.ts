import { lstat, opendir, rename } from 'node:fs/promises';
import { errnoOf, SmolVMError } from '../../errors.ts';

/**
 * Moves what is in one folder into another, entry by entry, each at once. What is there stays, unless a file or symlink
 * of the same name replaces it; a folder is never replaced, and a symlink to a folder is not entered.
 */
export async function mergeInto(from: string | Buffer, to: string | Buffer): Promise<void> {
  const folder = await opendir(from, { encoding: 'buffer' as BufferEncoding });
  for await (const { name } of folder) {
    const [source, target] = [below(from, Buffer.from(name)), below(to, Buffer.from(name))];
    const [moved, existing] = [await lstat(source), await lstatIfThere(target)];
    if (existing === undefined || (!moved.isDirectory() && !existing.isDirectory()))
      await rename(source, target);
    else if (moved.isDirectory() && existing.isDirectory()) await mergeInto(source, target);
    else
      throw new SmolVMError(
        'INVALID_ARGUMENT',
        `${target.toString()} is ${existing.isDirectory() ? 'a folder' : 'no folder'}, the guest's is not that`,
      );
  }
}

function below(folder: string | Buffer, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(folder as Buffer), Buffer.from('/'), name]);
}

async function lstatIfThere(path: Buffer): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
