import { randomBytes } from 'node:crypto';
import { Deadline } from '../../base/deadline.ts';
import type { GuestChannel, GuestCommand, OnOutput } from '../../guest/guest-channel.ts';
import {
  argvOf,
  parseAttachRequest,
  parseSpawnRequest,
  withDefaults,
  type SpawnRequest,
} from '../../spec/run-options.ts';
import type { CommandDefaults } from '../../spec/vm-record.ts';
import type { Services } from '../services.ts';
import { CommandOutput } from './command-output.ts';
import { GuestProcess } from './guest-process.ts';
import { findVm } from '../find-vm.ts';
import { openSessionOf } from './open-session.ts';
import type { RunOptions, SpawnOptions } from './run-options.ts';
import { supervise } from './supervise.ts';

const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const DEFAULT_TERMINAL = { rows: 24, columns: 80 };

/** What {@link SmolVM.attach} takes besides the name. */
export interface AttachOptions extends Pick<
  RunOptions,
  'timeoutMs' | 'signal' | 'onStdout' | 'onStderr' | 'maxOutputBytes'
> {
  /** Bytes of output to skip, counted from the command's start. Default 0; what the guest dropped meanwhile is skipped too. */
  readonly cursor?: number | undefined;
}

/** Starts a command. Throws at once on bad options; all else is told by the handle. */
export function spawnCommand(
  services: Services,
  vmId: string,
  command: unknown,
  options: SpawnOptions,
): GuestProcess {
  const { signal, input, onStdout, onStderr, ...plain } = options;
  const request = parseSpawnRequest({ command, ...plain, hasInput: input !== undefined });
  const execId = request.detached === true ? `exec-${randomBytes(6).toString('hex')}` : request.detached;
  const argv = argvOf(request.command);
  const hasStdin = request.stdin ?? request.terminal !== undefined;
  return follow(
    services,
    vmId,
    { ...request, signal, input, onStdout, onStderr, argv, execId, hasStdin },
    (channel, onOutput, defaults) =>
      channel.exec({
        argv,
        ...withDefaults(request, defaults),
        stdin: hasStdin || input !== undefined,
        terminal: request.terminal === true ? DEFAULT_TERMINAL : request.terminal,
        detachedId: execId,
        onOutput,
      }),
  );
}

/** Takes up a detached command where a reader left it. */
export function attachToCommand(
  services: Services,
  vmId: string,
  execId: unknown,
  options: AttachOptions,
): GuestProcess {
  const { signal, onStdout, onStderr, ...plain } = options;
  const request = parseAttachRequest({ execId, ...plain });
  const way = {
    ...request,
    signal,
    input: undefined,
    onStdout,
    onStderr,
    argv: [],
    check: false,
    hasStdin: true,
  };
  return follow(services, vmId, way, (channel, onOutput) =>
    channel.attach(request.execId, request.cursor, onOutput),
  );
}

/** What both ways to a handle have in common. */
interface Way
  extends
    Pick<RunOptions, 'signal' | 'input' | 'onStdout' | 'onStderr'>,
    Pick<SpawnRequest, 'timeoutMs' | 'maxOutputBytes' | 'check'> {
  readonly argv: readonly string[];
  readonly execId: string | undefined;
  readonly hasStdin: boolean;
}

type Begin = (channel: GuestChannel, onOutput: OnOutput, defaults: CommandDefaults | null) => GuestCommand;

function follow(services: Services, vmId: string, way: Way, begin: Begin): GuestProcess {
  const { timeoutMs, signal, input, maxOutputBytes, argv, execId, check, hasStdin } = way;
  const deadline = new Deadline('the command', timeoutMs ?? Infinity, signal);
  const output = new CommandOutput(maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES);
  output.tap({
    take: ({ stream, bytes }) => (stream === 'stdout' ? way.onStdout : way.onStderr)?.(bytes),
    end: () => undefined,
  });
  const opening = open(services, vmId, deadline, (channel, defaults) =>
    begin(channel, (name, chunk) => output.add(name, chunk), defaults),
  );
  const started = opening.then((command) => command.started);
  started.catch(() => undefined);
  const ending = supervise({ opening, input, deadline, output }).finally(() => {
    deadline[Symbol.dispose]();
    output.end();
  });
  return new GuestProcess({
    argv,
    execId: execId ?? null,
    hasInput: hasStdin,
    check,
    opening,
    started,
    ending,
    output,
  });
}

async function open(
  services: Services,
  vmId: string,
  deadline: Deadline,
  begin: (channel: GuestChannel, defaults: CommandDefaults | null) => GuestCommand,
): Promise<GuestCommand> {
  const record = findVm(services, vmId);
  const channel = await openSessionOf(services, record, deadline.signal);
  // Whoever gave up meanwhile must not get a command that nobody follows.
  deadline.signal.throwIfAborted();
  return begin(channel, record.vm.defaults);
}
