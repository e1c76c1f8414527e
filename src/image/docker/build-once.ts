import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Cleanup } from '../../base/cleanup.ts';
import { lockAmongProcesses } from '../../base/process-lock.ts';
import { ensurePrivateFolder } from '../../base/private-folder.ts';
import { useDisposable } from '../../base/use-disposable.ts';
import { toSmolVMError } from '../../errors.ts';

/** Something that is made once in a folder of its own, by whoever comes first. */
export interface OnceInFolder {
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Is it there, and what is wanted? Asked with and without the lock. */
  readonly isReady: () => Promise<boolean>;
  /** Told once if another one is at work on it. */
  readonly onWait?: () => void;
  /** Makes it, alone; `work` is an empty folder on the same file system that is removed afterwards. */
  readonly make: (work: string, undo: Cleanup) => Promise<void>;
}

/**
 * Makes it unless it is there. Among all processes of this host one makes it; the others wait and take what it has made,
 * and one of them takes over if the maker fails or dies.
 */
export async function buildOnce(once: OnceInFolder): Promise<void> {
  const { folder, signal } = once;
  if (await once.isReady()) return;
  ensurePrivateFolder(folder);
  const lock = await lockAmongProcesses(`build ${await realpath(folder)}`, signal, once.onWait);
  await useDisposable(lock, () => buildAlone(once));
}

async function buildAlone({ folder, signal, isReady, make }: OnceInFolder): Promise<void> {
  if (await isReady()) return;
  const undo = new Cleanup();
  try {
    const parent = join(folder, '.work');
    // What a maker that was killed has left.
    await rm(parent, { recursive: true, force: true });
    undo.defer(`remove ${parent}`, () => rm(parent, { recursive: true, force: true }));
    await mkdir(parent, { mode: 0o700 });
    await make(await mkdtemp(join(parent, 'build-')), undo);
  } catch (error) {
    await undo.run();
    signal.throwIfAborted();
    throw toSmolVMError(error, `build an image in ${folder}`);
  }
  await undo.run();
}
