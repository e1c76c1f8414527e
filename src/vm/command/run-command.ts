import type { Services } from '../services.ts';
import type { CommandResult } from './command-result.ts';
import type { RunOptions } from './run-options.ts';
import { spawnCommand } from './spawn-command.ts';

/** Runs a command in a running VM to its end. */
export async function runCommand(
  services: Services,
  vmId: string,
  command: unknown,
  options: RunOptions,
): Promise<CommandResult> {
  return spawnCommand(services, vmId, command, options).result();
}
