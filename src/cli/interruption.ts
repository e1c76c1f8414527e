/** What ends the program from outside: a signal, or an output that takes no more. */
export interface Interruption {
  readonly exitCode: number | null;
  /** To be reported; without it the end is quiet. */
  readonly error: Error | null;
}

/** 128 + the number of the signal, as shells report it. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const BROKEN_PIPE_EXIT_CODE = 128 + 13;

/** A terminal and npx both send one Ctrl-C; only a later one is a second. */
const SECOND_CTRL_C_AFTER_MS = 300;

/** What is needed of `process`. */
interface SignalSource {
  on(signal: keyof typeof SIGNALS, listener: () => void): unknown;
  exit(code: number): void;
}

/** The one abort signal of the program and the first reason for it. */
export class Interruptions {
  readonly #controller = new AbortController();
  #first: Interruption | undefined;
  #ctrlCAt: number | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get first(): Interruption | undefined {
    return this.#first;
  }

  /** From now on signals end the operation in an orderly way. A second Ctrl-C ends the program at once. */
  watch(source: SignalSource): void {
    for (const [name, exitCode] of Object.entries(SIGNALS)) {
      source.on(name as keyof typeof SIGNALS, () => {
        if (name === 'SIGINT' && this.#isSecondCtrlC()) source.exit(exitCode);
        this.#interrupt({ exitCode, error: null });
      });
    }
  }

  /** An output failed. If its reader is gone, that is said by nothing but the exit code, as with any tool. */
  outputFailed(name: 'stdout' | 'stderr', error: Error): void {
    const isBrokenPipe = 'code' in error && error.code === 'EPIPE';
    if (isBrokenPipe) this.#interrupt({ exitCode: BROKEN_PIPE_EXIT_CODE, error: null });
    else
      this.#interrupt({
        exitCode: null,
        error: new Error(`cannot write to ${name}: ${error.message}`, { cause: error }),
      });
  }

  #interrupt(interruption: Interruption): void {
    this.#first ??= interruption;
    this.#controller.abort();
  }

  #isSecondCtrlC(): boolean {
    const now = performance.now();
    this.#ctrlCAt ??= now;
    return now - this.#ctrlCAt > SECOND_CTRL_C_AFTER_MS;
  }
}
