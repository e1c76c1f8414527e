import type { Command } from 'commander';
import type { Action } from './context.ts';
import type { Env } from './parse-values.ts';

/** What the definition of a command is given. */
export interface Wiring {
  /** The environment of this process, for `-e KEY`. */
  readonly env: Env;
  /** Takes what was asked for. Nothing is done before all is parsed. */
  readonly choose: (act: Action) => void;
  /** Called for each `--json`. */
  readonly onJson: () => void;
}

/** `--json` may stand before or after the name of the command. */
export function addJsonOption(command: Command, { onJson }: Wiring): Command {
  return command.option('--json', 'print one line of JSON').on('option:json', onJson);
}
