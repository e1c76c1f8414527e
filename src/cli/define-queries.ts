import type { Command } from 'commander';
import type { Wiring } from './wiring.ts';

export function addList(program: Command, { choose }: Wiring): Command {
  return program
    .command('list')
    .description('list all VMs, oldest first')
    .option('--all', 'also disks that were retained when their VM was deleted')
    .action((raw: { readonly all?: true }) => {
      const all = raw.all === true;
      choose(async (context) => (await import('./commands/list.ts')).list(context, { all }));
    });
}

export function addInfo(program: Command, { choose }: Wiring): Command {
  return program
    .command('info')
    .description('show what is known of a VM')
    .argument('<name>', 'id of the VM')
    .action((vmId: string) => {
      choose(async () => (await import('./commands/info.ts')).info(vmId));
    });
}

export function addLogs(program: Command, { choose }: Wiring): Command {
  return program
    .command('logs')
    .description('print the console of a VM; escaped on a terminal, else its bytes')
    .argument('<name>', 'id of the VM')
    .option('-f, --follow', 'go on with what comes, until the VM ends')
    .action((vmId: string, raw: { readonly follow?: true }) => {
      if (raw.follow === true)
        choose(async (context) => (await import('./commands/follow-logs.ts')).followLogs(context, vmId));
      else choose(async (context) => (await import('./commands/logs.ts')).logs(context, vmId));
    });
}

export function addDoctor(program: Command, { choose }: Wiring): Command {
  return program
    .command('doctor')
    .description('check by use all that VMs need; exits with 1 if something failed')
    .action(() => {
      choose(async (context) => (await import('./commands/doctor.ts')).checkHost(context));
    });
}
