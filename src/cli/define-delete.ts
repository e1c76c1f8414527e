import type { Command } from 'commander';
import { UsageError } from './usage-error.ts';
import type { Wiring } from './wiring.ts';

interface RawDelete {
  readonly force?: true;
  readonly all?: true;
  readonly dryRun?: true;
}

export function addDelete(program: Command, { choose }: Wiring): Command {
  return program
    .command('delete')
    .description('remove VMs with their disks, or retained disks')
    .argument('[names...]', 'ids of VMs or retained disks')
    .option('--force', 'also those that are running')
    .option('--all', 'all VMs; retained disks stay')
    .option('--dry-run', 'with --all: only print which')
    .action((vmIds: readonly string[], raw: RawDelete) => {
      const { force = false, all = false, dryRun = false } = raw;
      if (all === vmIds.length > 0) throw new UsageError('give ids of VMs, or --all', HELP);
      if (dryRun && !all) throw new UsageError('--dry-run needs --all', HELP);
      choose(async (context) => {
        if (all) return (await import('./commands/delete-all.ts')).deleteAll(context, { force, dryRun });
        const request = { vmIds: [...new Set(vmIds)], force };
        return (await import('./commands/delete.ts')).deleteVms(context, request);
      });
    });
}

const HELP = 'See: smolvm delete --help';
