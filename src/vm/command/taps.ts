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
