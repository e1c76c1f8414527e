import { constants } from 'node:os';
import type { GuestExit } from '../../guest/guest-channel.ts';
import type { CommandOutput } from './command-output.ts';

/** How a command ended. A code other than 0 is a result, not an error. */
export interface CommandResult {
  readonly argv: readonly string[];
  /** The command's exit code; 128 + the signal's number if a signal ended it, as a shell reports it. */
  readonly exitCode: number;
  /** The signal that ended it, such as `SIGKILL`, or null. */
  readonly signal: string | null;
  /** Did it exit with 0? */
  readonly ok: boolean;
  /** Standard output as UTF-8. */
  readonly stdout: string;
  /** Standard error as UTF-8. */
  readonly stderr: string;
  /** stdout followed by stderr. */
  readonly output: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;
  /** Was output left out because it is longer than `maxOutputBytes`? */
  readonly truncated: boolean;
  /** From sending the command to its reported end, in milliseconds. */
  readonly durationMs: number;
  /** CPU time that the command and its waited-for children used in the guest, in milliseconds. */
  readonly cpuMs: number;
  /** Its largest resident memory, in KiB. */
  readonly peakRssKib: number;
}

/** Exit and output → result. */
export function commandResult(
  argv: readonly string[],
  exit: GuestExit,
  output: CommandOutput,
  durationMs: number,
): CommandResult {
  const exitCode = exit.kind === 'exited' ? exit.exitCode : 128 + signalNumber(exit.signal);
  const [stdout, stderr] = [output.text('stdout'), output.text('stderr')];
  return Object.freeze({
    argv,
    exitCode,
    signal: exit.kind === 'signaled' ? exit.signal : null,
    ok: exitCode === 0,
    stdout,
    stderr,
    output: stdout + stderr,
    stdoutBytes: output.bytes('stdout'),
    stderrBytes: output.bytes('stderr'),
    truncated: output.truncated,
    durationMs,
    cpuMs: exit.cpuMs,
    peakRssKib: exit.peakRssKib,
  });
}

function signalNumber(name: string): number {
  const numbers: Readonly<Record<string, number | undefined>> = constants.signals;
  return numbers[name] ?? Number(name.replace(/^SIG/, ''));
}
