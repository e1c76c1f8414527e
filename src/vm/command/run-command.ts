import type { CommandResult } from './command-result.ts';
import type { RunOptions } from './run-options.ts';
import { spawnCommand, type CommandSite } from './spawn-command.ts';

/** Runs a command in a running VM to its end. */
export async function runCommand(
  site: CommandSite,
  command: unknown,
  options: RunOptions,
): Promise<CommandResult> {
  return spawnCommand(site, command, options).result();
}
