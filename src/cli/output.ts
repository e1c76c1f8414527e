import { setImmediate as nextTurn } from 'node:timers/promises';

/** What is needed of `process.stdout` and `process.stderr`. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  on(event: 'error', listener: (error: Error) => void): unknown;
  write(chunk: string | Uint8Array, written: () => void): boolean;
}

/** stdout or stderr. What is written after the stream has failed is dropped; the failure is told once. */
export class Output {
  readonly #stream: OutputStream;
  #failed = false;

  constructor(stream: OutputStream, onError: (error: Error) => void) {
    this.#stream = stream;
    stream.on('error', (error: Error) => {
      if (this.#failed) return;
      this.#failed = true;
      onError(error);
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Writes; returns a promise to wait for if the reader does not keep up. */
  write(chunk: string | Uint8Array): Promise<void> | undefined {
    if (this.#failed) return undefined;
    let onWritten: () => void = () => undefined;
    const written = new Promise<void>((resolve) => (onWritten = resolve));
    return this.#stream.write(chunk, onWritten) ? undefined : written;
  }

  /** Resolves when all is written, or never can be. */
  async flush(): Promise<void> {
    if (!this.#failed) await new Promise<void>((resolve) => this.#stream.write('', resolve));
    // The error of a write is told after its callback.
    await nextTurn();
  }
}
