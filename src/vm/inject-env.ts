import type { VmPaths } from '../spec/file-names.ts';
import { readEnvFile } from './env-file.ts';
import { setEnvVars } from './files/env-vars.ts';
import { GuestFiles } from './files/guest-files.ts';
import type { Connect } from './files/run-tool.ts';

/** Gives the guest the variables that its VM was made with, where it does not have them. */
export async function injectEnv(connect: Connect, paths: VmPaths, signal: AbortSignal): Promise<void> {
  await setEnvVars(new GuestFiles(connect), readEnvFile(paths), { signal });
}
