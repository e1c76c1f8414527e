import type { Command } from 'commander';
import { addMachineOptions, addStartOptions } from './options.ts';
import { parseDuration } from './parse-values.ts';
import { machineRequest, optional, startRequest, type RawMachine, type RawStart } from './requests.ts';
import { UsageError } from './usage-error.ts';
import type { Wiring } from './wiring.ts';

export function addCreate(program: Command, { choose }: Wiring): Command {
  const create = program
    .command('create')
    .description('make a VM that stays until it is deleted; prints its id')
    .argument('[name]', 'id of the VM: 1 to 64 of a-z, 0-9 and hyphens (default: a random one)')
    .option('--start', 'also start it');
  addStartOptions(addMachineOptions(create));
  return create.action((vmId: string | undefined, raw: RawMachine & RawStart & { readonly start?: true }) => {
    const start = raw.start === true ? startRequest(raw) : undefined;
    if (start === undefined && (raw.bootTimeout !== undefined || raw.timings !== undefined)) {
      throw new UsageError('--boot-timeout and --timings need --start');
    }
    const request = { machine: machineRequest(raw, vmId), start };
    choose(async (context) => (await import('./commands/create.ts')).create(context, request));
  });
}

export function addStart(program: Command, { choose }: Wiring): Command {
  const start = program.command('start').description('boot a VM').argument('<name>', 'id of the VM');
  return addStartOptions(start).action((vmId: string, raw: RawStart) => {
    const request = { vmId, start: startRequest(raw) };
    choose(async (context) => (await import('./commands/start.ts')).start(context, request));
  });
}

export function addStop(program: Command, { choose }: Wiring): Command {
  return program
    .command('stop')
    .description('let the guest power off; end it by force if it does not')
    .argument('<name>', 'id of the VM')
    .option('--timeout <duration>', 'time for the guest to power off (default 3s)')
    .action((vmId: string, raw: { readonly timeout?: string }) => {
      const timeoutMs = optional(raw.timeout, (text) => parseDuration('--timeout', text));
      choose(async (context) => (await import('./commands/stop.ts')).stop(context, { vmId, timeoutMs }));
    });
}

export function addPause(program: Command, { choose }: Wiring): Command {
  return program
    .command('pause')
    .description('halt a running VM where it is')
    .argument('<name>', 'id of the VM')
    .action((vmId: string) => {
      choose(async (context) => (await import('./commands/pause.ts')).pause(context, vmId));
    });
}

export function addResume(program: Command, { choose }: Wiring): Command {
  return program
    .command('resume')
    .description('let a paused VM go on')
    .argument('<name>', 'id of the VM')
    .action((vmId: string) => {
      choose(async (context) => (await import('./commands/pause.ts')).resume(context, vmId));
    });
}
