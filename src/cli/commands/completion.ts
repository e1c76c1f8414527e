import type { Command } from 'commander';
import { bashScript } from '../completion/bash-script.ts';
import { fishScript } from '../completion/fish-script.ts';
import { completedCommands } from '../completion/model.ts';
import { zshScript } from '../completion/zsh-script.ts';
import type { Outcome } from '../context.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** A shell whose command lines can be completed. */
export type Shell = keyof typeof SCRIPTS;

/** `smolvm completion`. */
export function completion(program: Command, shell: Shell): Outcome {
  const script = SCRIPTS[shell](completedCommands(program));
  return { data: { shell, script }, text: script };
}
