import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { GuestProcess, SmolVM } from '../index.ts';
import type { CliContext, Outcome } from './context.ts';
import type { LocalTerminal } from './local-terminal.ts';
import type { GuestRequest } from './requests.ts';
import { resultAsJson } from './run-in-guest.ts';

/** Runs a command on a terminal of the guest, which is this one for as long: bytes pass both ways untouched. */
export async function runOnTerminal(vm: SmolVM, guest: GuestRequest, context: CliContext): Promise<Outcome> {
  const { terminal, stdin, stdout, signal } = context;
  const command = vm.spawn(guest.command, {
    ...guest.options,
    terminal: terminal.size,
    maxOutputBytes: 0,
    onStdout: (chunk) => stdout.write(chunk),
    signal,
  });
  const stopListening = terminal.onResize(() => {
    command.resize(terminal.size);
  });
  try {
    // Until it runs, Ctrl-C is for us. A command that does not start is told by its result.
    if (await hasStarted(command.pid())) await connect(command, terminal, stdin);
    const result = await command;
    return { data: { vmId: vm.vmId, ...resultAsJson(result) }, exitCode: result.exitCode };
  } finally {
    stopListening();
  }
}

async function hasStarted(pid: Promise<number>): Promise<boolean> {
  return pid.then(
    () => true,
    () => false,
  );
}

/** Until the command ends our terminal is its. */
async function connect(
  command: GuestProcess,
  terminal: LocalTerminal,
  stdin: AsyncIterable<Uint8Array>,
): Promise<void> {
  const restore = terminal.raw();
  try {
    // Not waited for: nothing more may be typed when the command has ended.
    if (command.stdin !== null) void forward(stdin, command.stdin);
    await command.outcome;
  } finally {
    restore();
  }
}

/** What is typed goes to the command, at the pace at which it reads. */
async function forward(from: AsyncIterable<Uint8Array>, to: Writable): Promise<void> {
  try {
    for await (const chunk of from) if (!to.write(chunk)) await once(to, 'drain');
  } catch {
    // Our terminal is gone, which SIGHUP tells us, or the command is, which its outcome does.
  }
  to.end();
}
