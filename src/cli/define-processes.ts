import type { Command } from 'commander';
import { parseAfterName } from './define-run-exec.ts';
import { addIdentityOptions } from './options.ts';
import { parseWholeNumber } from './parse-values.ts';
import { onTerminal, optional, optionsOf, type RawGuest } from './requests.ts';
import type { Wiring } from './wiring.ts';

export function addShell(program: Command, { env, choose }: Wiring): Command {
  const shell = program
    .command('shell')
    .description('open the login shell of a guest user on this terminal; exits as the shell did')
    .argument('<name>', 'id of the VM');
  return addIdentityOptions(shell).action((vmId: string, raw: RawGuest) => {
    const request = { vmId, options: onTerminal(optionsOf(raw, env), env) };
    choose(async (context) => (await import('./commands/shell.ts')).shell(context, request));
  });
}

export function addSsh(program: Command, wiring: Wiring): Command {
  const ssh = program
    .command('ssh')
    .description('connect an ordinary SSH client to a running VM on this terminal; exits as the client did')
    .argument('<name>', 'id of the VM')
    .argument('[cmd...]', 'program and arguments, taken as they are (default: the login shell)')
    .passThroughOptions();
  return ssh.action((vmId: string, rest: readonly string[]) => {
    const { words } = parseAfterName(ssh, rest, wiring);
    wiring.choose(async (context) => (await import('./commands/ssh.ts')).ssh(context, { vmId, words }));
  });
}

export function addAttach(program: Command, { choose }: Wiring): Command {
  return program
    .command('attach')
    .description('print the output of a detached command and exit as it did; Ctrl-C leaves it running')
    .argument('<name>', 'id of the VM')
    .argument('<exec-id>', 'what exec -d has printed, or ps')
    .option('--cursor <bytes>', 'skip so much of its output (default 0)')
    .action((vmId: string, execId: string, raw: { readonly cursor?: string }) => {
      const cursor = optional(raw.cursor, (text) => parseWholeNumber('--cursor', text));
      choose(async (context) =>
        (await import('./commands/attach.ts')).attach(context, { vmId, execId, cursor }),
      );
    });
}

export function addPs(program: Command, { choose }: Wiring): Command {
  return program
    .command('ps')
    .description('list the detached commands of a VM, running and ended, oldest first')
    .argument('<name>', 'id of the VM')
    .action((vmId: string) => {
      choose(async (context) => (await import('./commands/ps.ts')).ps(context, vmId));
    });
}
