import { runTool, type Connect } from './files/run-tool.ts';

/**
 * Makes the file system of the root disk as large as the disk. Called by each start of a VM whose disk is larger than
 * its image, when the guest takes commands and before anybody else may send one; it does nothing where that was done
 * before.
 */
export async function growRoot(connect: Connect, signal: AbortSignal): Promise<void> {
  await runTool(connect, { argv: ['grow'], signal });
}
