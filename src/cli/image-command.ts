import type { ImageConfig } from '../index.ts';
import { UsageError } from './usage-error.ts';

/**
 * The command that an image runs, as OCI says it: its entrypoint, then the words that were given or else its own. Another
 * entrypoint also means that the image's own words do not count. Pure.
 *
 * @param entrypoint - undefined: that of the image; empty: none
 */
export function imageCommand(
  config: ImageConfig | null,
  words: readonly string[],
  entrypoint: string | undefined,
): readonly string[] {
  const own = config ?? { entrypoint: [], cmd: [] };
  const before = entrypoint === undefined ? own.entrypoint : entrypoint === '' ? [] : [entrypoint];
  const after = words.length > 0 || entrypoint !== undefined ? words : own.cmd;
  const command = [...before, ...after];
  if (command[0] === undefined)
    throw new UsageError('the image says no command to run, and none was given', 'For instance: -- uname -a');
  if (command[0] === '') throw new UsageError('the name of the program is empty');
  return command;
}
