import type { ByteLine } from '../../base/child-stream.ts';
import { Deferred } from '../../base/deferred.ts';
import { escapeText } from '../../base/escape-text.ts';
import { SmolVMError } from '../../errors.ts';
import type { SendFrame } from './agent-command.ts';
import type { OpenedSession } from './agent-socket.ts';
import { breach, encodeFrame, FRAME, type Frame, type FrameDecoder } from './frames.ts';
import { PayloadReader } from './payload.ts';

/** What waits for frames of one stream: a command, or a single request. */
export interface Stream {
  /** Returns true when this was the stream's last frame. */
  receive(frame: Frame): boolean;
  fail(error: Error): void;
}

const NOTHING = Buffer.alloc(0);
const CLOSE_TIMEOUT_MS = 1_000;

/** The streams of one session, and its end. */
export class AgentSession {
  /** Resolves with the reason once the session has ended. */
  readonly closed: Promise<Error>;
  readonly #socket: ByteLine;
  readonly #tag: number;
  readonly #decoder: FrameDecoder;
  readonly #streams = new Map<number, Stream>();
  readonly #ending = new Deferred<Error>();
  #lastStream = 0;
  #lost: Error | undefined;

  constructor({ socket, tag, decoder, frames }: OpenedSession) {
    this.#socket = socket;
    this.#tag = tag;
    this.#decoder = decoder;
    this.closed = this.#ending.promise;
    socket.on('data', (chunk: Buffer) => {
      this.#receive(() => this.#decoder.push(chunk));
    });
    socket.on('error', (error) => {
      this.#lose(sessionLost(error.message, error));
    });
    socket.on('close', () => {
      this.#lose(sessionLost('the VMM closed the connection'));
    });
    this.#receive(() => frames);
    this.#restUntilUsed();
    socket.resume();
  }

  /** Opens a stream: `begin` gets the way to send on it and returns what its frames go to. */
  open<T extends Stream>(begin: (send: SendFrame) => T): { readonly stream: T; readonly forget: () => void } {
    if (this.#lost !== undefined) throw this.#lost;
    const id = this.#nextStream();
    const stream = begin((type, flags, payload) => {
      this.#send({ type, flags, stream: id, payload });
    });
    this.#streams.set(id, stream);
    this.#socket.ref();
    return {
      stream,
      forget: () => {
        this.#forget(id);
      },
    };
  }

  /** Ends the session. Commands that still run in it are killed by the agent, but for detached ones. */
  async close(): Promise<void> {
    if (this.#lost !== undefined) return;
    this.#send({ type: FRAME.BYE, flags: 0, stream: 0, payload: NOTHING });
    this.#socket.ref();
    const timer = setTimeout(() => {
      this.#lose(sessionLost('it was closed'));
    }, CLOSE_TIMEOUT_MS);
    await this.closed;
    clearTimeout(timer);
  }

  #nextStream(): number {
    do this.#lastStream = (this.#lastStream % 0xffff_ffff) + 1;
    while (this.#streams.has(this.#lastStream));
    return this.#lastStream;
  }

  #forget(id: number): void {
    this.#streams.delete(id);
    this.#restUntilUsed();
  }

  /** An idle session must not keep a program alive that has nothing left to do. */
  #restUntilUsed(): void {
    if (this.#streams.size === 0) this.#socket.unref();
  }

  #send(frame: Frame): void {
    if (this.#lost === undefined) this.#socket.write(encodeFrame(frame, this.#tag));
  }

  #receive(decode: () => readonly Frame[]): void {
    try {
      for (const frame of decode()) this.#dispatch(frame);
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  #dispatch(frame: Frame): void {
    if (frame.type === FRAME.GUEST_BYE) this.#lose(sessionLost('it was closed'));
    else if (frame.type === FRAME.ERROR) throw breach(`it complains: ${escapeText(new PayloadReader(frame.payload).text(4_096))}`);
    // Frames of a stream that we gave up cross with our own; they are late, not wrong.
    else if (this.#streams.get(frame.stream)?.receive(frame) === true) this.#forget(frame.stream);
  }

  #lose(error: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#socket.destroy();
    for (const stream of this.#streams.values()) stream.fail(error);
    this.#streams.clear();
    this.#ending.resolve(error);
  }
}

function sessionLost(reason: string, cause?: Error): SmolVMError {
  return new SmolVMError('VM_EXITED', `the session with the guest ended: ${reason}`, {
    cause,
    hint: 'The VM was stopped, or its VMM ended. See `smolvm list` and `smolvm logs`.',
  });
}
