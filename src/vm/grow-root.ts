import type { Services } from './services.ts';

/**
 * Makes the file system of the root disk as large as the disk. Called by each start of a VM whose disk is larger than
 * its image, when the guest takes commands and before anybody else may send one; it must do no harm where that was done
 * before. The guest has no tool for it yet, so the file system stays as it is and the disk is merely larger.
 */
export type GrowRoot = (services: Services, vmId: string, signal: AbortSignal) => Promise<void>;

export const growRoot: GrowRoot = () => Promise.resolve();
