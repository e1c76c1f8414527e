import { Command } from 'commander';
import { addExecOptions, addGuestOptions, addMachineOptions, addStartOptions } from './options.ts';
import {
  execMode,
  guestRequest,
  machineRequest,
  onTerminal,
  startRequest,
  type RawExec,
  type RawGuest,
  type RawMachine,
  type RawStart,
} from './requests.ts';
import { UsageError } from './usage-error.ts';
import { addJsonOption, type Wiring } from './wiring.ts';

interface RawEntrypoint {
  readonly entrypoint?: string;
}

export function addRun(program: Command, { env, choose }: Wiring): Command {
  const run = program
    .command('run')
    .description('boot a VM, run a command in it and remove the VM; exits as the command did')
    .argument('[cmd...]', 'program and arguments, taken as they are')
    .passThroughOptions();
  addGuestOptions(addStartOptions(addMachineOptions(run))).option(
    '--entrypoint <program>',
    "with --image: run this instead of the image's own entrypoint; '' for none",
  );
  return run.action((words: readonly string[], raw: RawMachine & RawStart & RawGuest & RawEntrypoint) => {
    const { image, entrypoint } = raw;
    if (entrypoint !== undefined && image === undefined) throw new UsageError('--entrypoint needs --image');
    if (entrypoint !== undefined && raw.shell !== undefined)
      throw new UsageError('-c runs a string by a shell, so --entrypoint makes no sense with it');
    const request = {
      machine: machineRequest(raw),
      start: startRequest(raw),
      guest: guestRequest(words, raw, env, image !== undefined),
      entrypoint,
    };
    choose(async (context) => (await import('./commands/run.ts')).run(context, request));
  });
}

export function addExec(program: Command, wiring: Wiring): Command {
  const exec = program
    .command('exec')
    .description('run a command in a running VM; exits as the command did')
    .usage('[options] NAME [options] [--] CMD...')
    .argument('<name>', 'id of the VM')
    .argument('[cmd...]', 'program and arguments, taken as they are')
    .passThroughOptions();
  addExecOptions(exec);
  return exec.action((vmId: string, rest: readonly string[]) => {
    const { words, tail } = parseAfterName(exec, rest, wiring, addExecOptions);
    const raw = tail.opts<RawExec>();
    const [guest, mode] = [guestRequest(words, raw, wiring.env), execMode(raw)];
    const options = mode === 'onTerminal' ? onTerminal(guest.options, wiring.env) : guest.options;
    const request = { vmId, guest: { ...guest, options }, mode };
    wiring.choose(async (context) => (await import('./commands/exec.ts')).exec(context, request));
  });
}

/** Options may also stand between NAME and CMD: what follows NAME is parsed once more by the same rules. */
export function parseAfterName(
  command: Command,
  rest: readonly string[],
  wiring: Wiring,
  addOptions: (tail: Command) => Command = (tail) => tail,
): { words: readonly string[]; tail: Command } {
  const tail = new Command(command.name())
    .copyInheritedSettings(command)
    .configureHelp({ formatHelp: () => command.helpInformation() })
    .argument('[cmd...]')
    .passThroughOptions();
  addJsonOption(addOptions(tail), wiring);
  for (const [key, value] of Object.entries(command.opts())) tail.setOptionValue(key, value);
  tail.parse(rest, { from: 'user' });
  return { words: tail.args, tail };
}
