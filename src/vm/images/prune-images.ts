import { rm } from 'node:fs/promises';
import { Deadline } from '../../base/deadline.ts';
import { isSmolVMError } from '../../errors.ts';
import { readManifest } from '../../image/manifest.ts';
import type { StorePaths } from '../../image/store/layout.ts';
import { cleaning } from '../../image/store/makers.ts';
import { prunePlan, type Prunable } from '../../image/store/prune-plan.ts';
import { surveyStore } from '../../image/store/survey.ts';
import type { Services } from '../services.ts';
import { imageUsers } from './image-users.ts';
import { removeEntry } from './remove-image.ts';
import { imageStore } from './store-context.ts';

/** What a prune has removed, or would. */
export interface PruneResult {
  readonly items: readonly Prunable[];
  /** Bytes on the disk of all items together. */
  readonly freedBytes: number;
  /** Were blobs and images without names left alone, because another process is making an image? */
  readonly isPartial: boolean;
}

/** Removes what no name and no VM leads to. With `dryRun` it only tells what. */
export async function pruneStoredImages(
  services: Services,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal?: AbortSignal | undefined },
): Promise<PruneResult> {
  const store = imageStore(services);
  using deadline = new Deadline('prune images', Infinity, signal);
  const { kernel, initrd, rootfs } = readManifest(services.assetsFolder);
  return await cleaning(store, deadline.signal, async (somebodyMakes) => {
    const usersOf = imageUsers(services);
    const currentAssets = [kernel, initrd, rootfs].map(({ sha256 }) => sha256);
    const items = prunePlan(surveyStore(store, { usersOf, currentAssets, somebodyMakes }));
    const removed: Prunable[] = [];
    for (const item of items) {
      deadline.signal.throwIfAborted();
      if (dryRun || (await remove(services, store, item))) removed.push(item);
    }
    const freedBytes = removed.reduce((total, item) => total + item.diskBytes, 0);
    return Object.freeze({ items: Object.freeze(removed), freedBytes, isPartial: somebodyMakes });
  });
}

/** Returns whether it is gone: a VM may have been made of it meanwhile. */
async function remove(services: Services, store: StorePaths, item: Prunable): Promise<boolean> {
  if (item.kind !== 'image') {
    await rm(item.path, { recursive: true, force: true });
    return true;
  }
  try {
    await removeEntry(services, store, item.what, `the image ${item.what}`);
    return true;
  } catch (error) {
    if (isSmolVMError(error, 'BUSY')) return false;
    throw error;
  }
}
