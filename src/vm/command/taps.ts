import { Readable, Writable } from 'node:stream';
import type { GuestCommand } from '../../guest/guest-channel.ts';
import type { OutputChunk, Tap } from './command-output.ts';

/** A tap that is a Node stream of one output; the command waits while the stream is full. */
export function streamTap(
  name: 'stdout' | 'stderr',
  onDestroy: () => void,
): { readonly stream: Readable; readonly tap: Tap } {
  let wake: () => void = () => undefined;
  const stream = new Readable({
    read: () => {
      wake();
    },
    destroy: (error, done) => {
      wake();
      onDestroy();
      done(error);
    },
  });
  const take = (chunk: OutputChunk): void | Promise<void> => {
    if (chunk.stream !== name || stream.destroyed || stream.push(chunk.bytes)) return undefined;
    return new Promise((resolve) => (wake = resolve));
  };
  return { stream, tap: { take, end: () => stream.destroyed || stream.push(null) } };
}

/** A tap that is read by `for await`; the command waits while a chunk has not been asked for. */
export class IteratorTap implements Tap, AsyncIterableIterator<OutputChunk> {
  readonly #onReturn: () => void;
  #waiting: { readonly chunk: OutputChunk; readonly taken: () => void }[] = [];
  #asking: ((result: IteratorResult<OutputChunk>) => void)[] = [];
  #hasEnded = false;

  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  take(chunk: OutputChunk): void | Promise<void> {
    if (this.#hasEnded) return undefined;
    const asking = this.#asking.shift();
    if (asking === undefined) return new Promise((taken) => this.#waiting.push({ chunk, taken }));
    asking({ done: false, value: chunk });
    return undefined;
  }

  end(): void {
    this.#hasEnded = true;
    for (const asking of this.#asking.splice(0)) asking({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<OutputChunk>> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.taken();
      return Promise.resolve({ done: false, value: waiting.chunk });
    }
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#asking.push(resolve));
  }

  /** The loop was left: the rest is not for it. */
  return(): Promise<IteratorResult<OutputChunk>> {
    for (const { taken } of this.#waiting.splice(0)) taken();
    this.end();
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A command's input as a Node stream; writes wait until the guest has room, and until the command runs. */
export function inputStream(opening: Promise<GuestCommand>): Writable {
  const settle = (
    done: (error?: Error | null) => void,
    act: (command: GuestCommand) => void | Promise<void>,
  ): void => {
    opening.then(act).then(() => {
      done();
    }, done);
  };
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      settle(done, (command) => command.write(chunk));
    },
    final: (done) => {
      settle(done, (command) => {
        command.end();
      });
    },
  });
}
