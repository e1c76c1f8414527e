import type { Command } from 'commander';
import { parseDuration, parseWholeNumber } from './parse-values.ts';
import { parsePortPair } from './port-request.ts';
import { optional } from './requests.ts';
import { addJsonOption, type Wiring } from './wiring.ts';

export function addPort(program: Command, wiring: Wiring): Command {
  const port = program.command('port').description('ports of this host that lead to ports of a VM');
  for (const add of [addExpose, addClose, addList, addWait]) addJsonOption(add(port, wiring), wiring);
  return port;
}

interface RawForward {
  readonly host?: string;
}

function addForwardArguments(command: Command): Command {
  return command.argument('<name>', 'id of the VM').argument('<port>', 'GUEST_PORT or GUEST_PORT:HOST_PORT');
}

function addExpose(port: Command, { choose }: Wiring): Command {
  return addForwardArguments(port.command('expose'))
    .description('lead a TCP port of this host to one of the VM; prints its address')
    .option(
      '--host <address>',
      'address of this host to listen on (default 127.0.0.1); others let other machines in',
    )
    .action((vmId: string, pair: string, { host }: RawForward) => {
      const request = { vmId, ports: parsePortPair(pair), host };
      choose(async () => (await import('./commands/port.ts')).portExpose(request));
    });
}

function addClose(port: Command, { choose }: Wiring): Command {
  return addForwardArguments(port.command('close'))
    .description('close forwards to a port of the VM: all on an address, or one')
    .option('--host <address>', 'address of this host that they listen on (default 127.0.0.1)')
    .action((vmId: string, pair: string, { host }: RawForward) => {
      const request = { vmId, ports: parsePortPair(pair), host };
      choose(async (context) => (await import('./commands/port.ts')).portClose(context, request));
    });
}

function addList(port: Command, { choose }: Wiring): Command {
  return port
    .command('list')
    .description('list the forwards of a VM')
    .argument('<name>', 'id of the VM')
    .action((vmId: string) => {
      choose(async (context) => (await import('./commands/port.ts')).portList(context, vmId));
    });
}

function addWait(port: Command, { choose }: Wiring): Command {
  return port
    .command('wait')
    .description('wait until something listens on each of the ports of the VM')
    .argument('<name>', 'id of the VM')
    .argument('<ports...>', 'TCP ports in the guest')
    .option('--timeout <duration>', 'give up after this time (default 30s)')
    .action((vmId: string, texts: readonly string[], raw: { readonly timeout?: string }) => {
      const ports = texts.map((text) => parseWholeNumber('PORT', text));
      const timeoutMs = optional(raw.timeout, (text) => parseDuration('--timeout', text));
      const request = { vmId, ports, timeoutMs };
      choose(async (context) => (await import('./commands/port.ts')).portWait(context, request));
    });
}
