import type { Command } from 'commander';
import { copyRequest, type RawCopy } from './copy-request.ts';
import type { Wiring } from './wiring.ts';

export function addCp(program: Command, { choose }: Wiring): Command {
  return program
    .command('cp')
    .description('copy a file or folder between this host and a running VM')
    .argument('<src>', 'NAME:/path in a VM, a local path, or - for stdin')
    .argument('<dst>', 'NAME:/path in a VM, a local path, or - for stdout')
    .option('--user <user>', 'guest user who reads or writes (default root)')
    .option('--no-make-dirs', 'do not make missing folders above the target')
    .action((from: string, to: string, raw: RawCopy) => {
      const request = copyRequest(from, to, raw);
      choose(async (context) => (await import('./commands/cp.ts')).cp(context, request));
    });
}
