import type { Command } from 'commander';
import { parseVariables } from './env-lines.ts';
import { UsageError } from './usage-error.ts';
import { addJsonOption, type Wiring } from './wiring.ts';

export function addEnv(program: Command, wiring: Wiring): Command {
  const env = program.command('env').description('the environment variables of the login shells of a VM');
  for (const add of [addSet, addUnset, addList]) addJsonOption(add(env, wiring), wiring);
  return env;
}

interface RawSet {
  readonly file?: string;
  readonly replace?: true;
}

function addSet(env: Command, { choose }: Wiring): Command {
  return env
    .command('set')
    .description('set variables; other users of this host can see arguments: secrets go into a file')
    .argument('<name>', 'id of the VM')
    .argument('[variables...]', 'NAME=VALUE')
    .option('--file <file>', 'take lines of NAME=VALUE from a file, - is stdin')
    .option('--replace', 'remove the variables that are not named')
    .action((vmId: string, assignments: readonly string[], { file, replace }: RawSet) => {
      if (assignments.length === 0 && file === undefined)
        throw new UsageError('no variable was given', 'Give NAME=VALUE, or --file FILE with such lines.');
      const request = { vmId, variables: parseVariables(assignments), file, replace: replace === true };
      choose(async (context) => (await import('./commands/env.ts')).envSet(context, request));
    });
}

function addUnset(env: Command, { choose }: Wiring): Command {
  return env
    .command('unset')
    .description('remove variables')
    .argument('<name>', 'id of the VM')
    .argument('<variables...>', 'names of variables')
    .action((vmId: string, names: readonly string[]) => {
      choose(async (context) => (await import('./commands/env.ts')).envUnset(context, { vmId, names }));
    });
}

function addList(env: Command, { choose }: Wiring): Command {
  return env
    .command('list')
    .description('print variables as NAME=VALUE; escaped on a terminal')
    .argument('<name>', 'id of the VM')
    .action((vmId: string) => {
      choose(async (context) => (await import('./commands/env.ts')).envList(context, vmId));
    });
}
