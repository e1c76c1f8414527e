import { CommandExecutionUnavailableError } from '../errors.ts';
import type { VmPaths } from '../spec/file-names.ts';
import { readEnvFile } from './env-file.ts';
import { setEnvVars } from './files/env-vars.ts';
import { GuestFiles } from './files/guest-files.ts';
import type { Connect } from './files/run-tool.ts';

/** Gives the guest the variables that its VM was made with, where it does not have them. */
export async function injectEnv(connect: Connect, paths: VmPaths, signal: AbortSignal): Promise<void> {
  await setEnvVars(new GuestFiles(connect), readEnvFile(paths), { signal });
}

/** Where no agent answers nobody would take the variables: then there must be none. */
export function requireNoEnv(vmId: string, paths: VmPaths): void {
  if (Object.keys(readEnvFile(paths)).length === 0) return;
  throw new CommandExecutionUnavailableError(
    `the variables of VM '${vmId}' cannot be set: its image boots its own init, and no agent answers in it`,
    { hint: "Leave out envVars, or boot the image with boot: 'agent'.", details: { vmId } },
  );
}
