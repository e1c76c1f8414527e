import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { Socket } from 'node:net';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { minimalEnv, spawnError } from './subprocess.ts';

/** A stream of bytes in both directions that keeps the program alive only while it is referenced. */
export type ByteLine = Duplex & { ref(): unknown; unref(): unknown };

/** How the process behind a {@link ChildStream} ended. */
export interface ChildEnding {
  readonly exitCode: number | null;
  readonly endSignal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
}

const MAX_STDERR_CHARS = 8 * 1024;

/**
 * A process whose stdin and stdout are one stream. The end of the process is the end of the stream, always with the
 * error that `describe` makes of it; destroying the stream kills the process, and `close` comes when it is gone.
 */
export class ChildStream extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #stderr = '';

  constructor(argv: readonly [string, ...string[]], describe: (ending: ChildEnding) => Error) {
    super();
    const [program, ...args] = argv;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: minimalEnv(), cwd: '/' });
    this.#child = child;
    // Whoever listens at the time is told; nobody has to.
    this.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.setEncoding('latin1').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_CHARS);
    });
    // A process that takes no more input is about to end, and its end says why.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => this.destroy(spawnError(program, error)));
    child.once('close', (exitCode, endSignal) => {
      this.destroy(describe({ exitCode, endSignal, stderr: this.#stderr }));
    });
  }

  ref(): void {
    this.#child.ref();
    for (const stream of this.#sockets()) stream.ref();
  }

  unref(): void {
    this.#child.unref();
    for (const stream of this.#sockets()) stream.unref();
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#child.stdin.write(chunk, () => {
      done();
    });
  }

  override _final(done: (error?: Error) => void): void {
    this.#child.stdin.end(() => {
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) {
      done(error);
      return;
    }
    this.ref();
    this.#child.stdout.resume();
    this.#child.once('close', () => {
      done(error);
    });
    this.#child.kill('SIGKILL');
  }

  #sockets(): readonly Socket[] {
    const { stdin, stdout, stderr } = this.#child;
    return [stdin, stdout, stderr].filter((stream) => stream instanceof Socket);
  }
}
