import type { CommandResult, RunOptions, SmolVM } from '../index.ts';
import type { CliContext, Outcome } from './context.ts';
import { bytesAsJson } from './envelope.ts';
import type { GuestRequest } from './requests.ts';

/** Runs a command in a running VM: its output streams to ours, or is kept for the envelope. */
export async function runInGuest(vm: SmolVM, guest: GuestRequest, context: CliContext): Promise<Outcome> {
  const { signal, stdin, json } = context;
  const result = await vm.run(guest.command, {
    ...guest.options,
    ...(json ? {} : streamTo(context)),
    input: guest.interactive ? stdin : undefined,
    signal,
  });
  return { data: { vmId: vm.vmId, ...resultAsJson(result) }, exitCode: result.exitCode };
}

/** A reader that does not keep up holds the guest's command back, so nothing piles up here. */
export function streamTo({ stdout, stderr }: CliContext): RunOptions {
  return {
    maxOutputBytes: 0,
    onStdout: (chunk) => stdout.write(chunk),
    onStderr: (chunk) => stderr.write(chunk),
  };
}

/** A result for an envelope. */
export function resultAsJson(result: CommandResult): object {
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    ...bytesAsJson('stdout', result.stdoutBytes),
    ...bytesAsJson('stderr', result.stderrBytes),
    truncated: result.truncated,
    durationMs: result.durationMs,
  };
}
