import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { spawnError } from './subprocess.ts';

/** A long command of the host whose output is read while it runs. */
export interface HostProcessRequest {
  /** Program and arguments; never a shell string. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborting asks it to end (SIGTERM), and kills it if it has not after `graceMs`. */
  readonly signal: AbortSignal;
  /** Default 5,000 ms. */
  readonly graceMs?: number;
}

/** How it ended. `exitCode` is null when a signal ended it. */
export interface HostProcessEnd {
  readonly exitCode: number | null;
  readonly endSignal: NodeJS.Signals | null;
}

/** A command that was started. Both outputs must be read to their end. */
export interface HostProcess {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends the program as an abort does, without making that an error. */
  stop(): void;
  /** Rejects with why it could not be started, or, once it is gone, with the reason of the signal. */
  readonly ended: Promise<HostProcessEnd>;
}

/** Starts a command with no stdin. */
export function startHostProcess({ argv, env, signal, graceMs = 5_000 }: HostProcessRequest): HostProcess {
  signal.throwIfAborted();
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env });
  let killer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killer ??= setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  const ended = new Promise<HostProcessEnd>((resolve, reject) => {
    const release = (): void => {
      clearTimeout(killer);
      signal.removeEventListener('abort', stop);
    };
    child.once('error', (error) => {
      release();
      reject(spawnError(argv[0], error));
    });
    child.once('exit', () => {
      release();
      // What it started may still hold its outputs; of one that we ended nobody waits for more.
      if (killer === undefined) return;
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.once('close', (exitCode, endSignal) => {
      if (signal.aborted) reject(signal.reason as Error);
      else resolve({ exitCode, endSignal });
    });
  });
  // Whoever reads an output may fail first and never come to ask for the end.
  ended.catch(() => undefined);
  return { stdout: child.stdout, stderr: child.stderr, stop, ended };
}
