import { Argument, type Command } from 'commander';
import type { Shell } from './commands/completion.ts';
import type { Wiring } from './wiring.ts';

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish'];

export function addCompletion(program: Command, { choose }: Wiring): Command {
  return program
    .command('completion')
    .description('print a script by which a shell completes command lines of smolvm')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => {
      choose(async () => (await import('./commands/completion.ts')).completion(program, shell));
    });
}

/** Asked by these scripts at each Tab; help does not show it. */
export function addComplete(program: Command, { choose }: Wiring): Command {
  const complete = program.command('__complete', { hidden: true });
  return complete.addArgument(new Argument('[what]').choices(['vms', 'images'])).action((what?: string) => {
    choose(async () => {
      const { completeImages, completeVms } = await import('./commands/complete.ts');
      return what === 'images' ? completeImages() : completeVms();
    });
  });
}
