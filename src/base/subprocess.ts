import { spawn } from 'node:child_process';
import { errnoOf, SmolVMError } from '../errors.ts';

/** A short command of the host, run to its end. */
export interface HostCommand {
  /** Program and arguments; never a shell string. */
  readonly argv: readonly [string, ...string[]];
  readonly signal: AbortSignal;
  /** Variables besides the minimal environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes kept of each output; more is thrown away. Default 256 KiB. */
  readonly maxOutputBytes?: number;
  /** Called with each piece of stdout; returning true ends the command at once. */
  readonly enough?: (stdoutSoFar: string) => boolean;
  /** What it reads on stdin. Default: nothing. */
  readonly input?: string;
}

/** How it ended. `exitCode` is null when a signal ended it. */
export interface HostCommandResult {
  readonly exitCode: number | null;
  readonly endSignal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a host command with no input and a minimal environment, unless it is given more. Aborting kills it; the signal's
 * reason is thrown only after it is gone.
 */
export function runHostCommand(command: HostCommand): Promise<HostCommandResult> {
  const { argv, signal, env, maxOutputBytes = 256 * 1024, enough, input } = command;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const child = spawn(argv[0], argv.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...minimalEnv(), ...env },
    });
    // A program that ends without reading its input is no failure of ours: its exit code tells.
    child.stdin.once('error', () => undefined).end(input);
    const kill = (): void => void child.kill('SIGKILL');
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('latin1').on('data', (text: string) => {
        output[name] = (output[name] + text).slice(0, maxOutputBytes);
        if (name === 'stdout' && enough?.(output.stdout) === true) kill();
      });
    }
    signal.addEventListener('abort', kill, { once: true });
    child.once('error', (error) => {
      signal.removeEventListener('abort', kill);
      reject(spawnError(argv[0], error));
    });
    child.once('close', (exitCode, endSignal) => {
      signal.removeEventListener('abort', kill);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve({ exitCode, endSignal, ...output });
    });
  });
}

/** The environment that programs we start get: enough to find libraries and nothing of the user's. */
export function minimalEnv(): Record<string, string> {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
}

/** Why a program could not be started, with what to do about it. */
export function spawnError(program: string, error: Error): SmolVMError {
  const errno = errnoOf(error);
  const reason =
    errno === 'ENOENT'
      ? 'there is no such program'
      : errno === 'EACCES'
        ? 'it may not be run'
        : error.message;
  return new SmolVMError('HOST_FAILED', `cannot start ${program}: ${reason}`, {
    cause: error,
    details: { errno },
  });
}
