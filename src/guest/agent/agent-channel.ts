import type { Socket } from 'node:net';
import { escapeText } from '../../base/escape-text.ts';
import { orAborted } from '../../base/poll.ts';
import { SmolVMError } from '../../errors.ts';
import type { ExecRequest, GuestChannel, GuestCommand, GuestInfo } from '../guest-channel.ts';
import { AgentCommand } from './agent-command.ts';
import { openAgentSocket, type OpenedSession } from './agent-socket.ts';
import { breach, encodeFrame, FRAME, type Frame, type FrameDecoder } from './frames.ts';
import { decodeFailed } from './messages.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';

/** Opens a session with the agent behind a port's socket; resolves when the guest is ready for commands. */
export async function openAgentChannel(socketPath: string, signal: AbortSignal): Promise<GuestChannel> {
  return new AgentChannel(await openAgentSocket(socketPath, signal));
}

/** What waits for frames of one stream: a command, or a single request. */
interface Stream {
  /** Returns true when this was the stream's last frame. */
  receive(frame: Frame): boolean;
  fail(error: Error): void;
}

const NOTHING = Buffer.alloc(0);
const CLOSE_TIMEOUT_MS = 1_000;

class AgentChannel implements GuestChannel {
  readonly info: GuestInfo;
  readonly closed: Promise<Error>;
  readonly #socket: Socket;
  readonly #tag: number;
  readonly #decoder: FrameDecoder;
  readonly #streams = new Map<number, Stream>();
  #lastStream = 0;
  #lost: Error | undefined;
  #onLost: (error: Error) => void = () => undefined;

  constructor({ socket, tag, decoder, info, frames }: OpenedSession) {
    this.info = info;
    this.#socket = socket;
    this.#tag = tag;
    this.#decoder = decoder;
    this.closed = new Promise((resolve) => (this.#onLost = resolve));
    socket.on('data', (chunk: Buffer) => {
      this.#receive(() => this.#decoder.push(chunk));
    });
    socket.on('error', (error) => {
      this.#lose(sessionLost(error.message));
    });
    socket.on('close', () => {
      this.#lose(sessionLost('the VMM closed the connection'));
    });
    this.#receive(() => frames);
    this.#restUntilUsed();
    socket.resume();
  }

  exec(request: ExecRequest): GuestCommand {
    const stream = this.#openStream();
    const command = new AgentCommand(request, this.info.stdinWindowBytes, (type, flags, payload) => {
      this.#send({ type, flags, stream, payload });
    });
    this.#watch(stream, command);
    return command;
  }

  async ping(signal: AbortSignal): Promise<void> {
    await this.#request(FRAME.PING, NOTHING, signal);
  }

  async sync(signal: AbortSignal): Promise<void> {
    await this.#request(FRAME.SYNC, NOTHING, signal);
  }

  async setTime(signal: AbortSignal): Promise<void> {
    const nowNs = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n;
    await this.#request(FRAME.TIME, new PayloadWriter().u64(nowNs).bytes(), signal);
  }

  async addEntropy(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#request(FRAME.ENTROPY, Buffer.from(bytes), signal);
  }

  async shutdown(graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#request(FRAME.SHUTDOWN, new PayloadWriter().u32(graceMs).bytes(), signal);
  }

  /** Ends the session. Commands that still run in it are killed by the agent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lost !== undefined) return;
    this.#send({ type: FRAME.BYE, flags: 0, stream: 0, payload: NOTHING });
    this.#socket.ref();
    const timer = setTimeout(() => {
      this.#lose(sessionLost('it was closed'));
    }, CLOSE_TIMEOUT_MS);
    await this.closed;
    clearTimeout(timer);
  }

  /** Sends a request on a stream of its own and waits for PONG or OK. */
  async #request(type: number, payload: Buffer, signal: AbortSignal): Promise<void> {
    const stream = this.#openStream();
    const answer = new Promise<void>((resolve, reject) => {
      this.#watch(stream, {
        receive: (frame) => {
          if (frame.type === FRAME.FAILED) reject(requestFailed(frame.payload));
          else if (frame.type === FRAME.PONG || frame.type === FRAME.OK) resolve();
          else throw breach(`frame type ${String(frame.type)} as the answer to a request`);
          return true;
        },
        fail: reject,
      });
    });
    answer.catch(() => undefined);
    this.#send({ type, flags: 0, stream, payload });
    try {
      await orAborted(answer, signal);
    } finally {
      this.#forget(stream);
    }
  }

  #openStream(): number {
    if (this.#lost !== undefined) throw this.#lost;
    do this.#lastStream = (this.#lastStream % 0xffff_ffff) + 1;
    while (this.#streams.has(this.#lastStream));
    return this.#lastStream;
  }

  #watch(stream: number, watcher: Stream): void {
    this.#streams.set(stream, watcher);
    this.#socket.ref();
  }

  #forget(stream: number): void {
    this.#streams.delete(stream);
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
    this.#onLost(error);
  }
}

function sessionLost(reason: string): SmolVMError {
  return new SmolVMError('VM_EXITED', `the session with the guest ended: ${reason}`, {
    hint: 'The VM was stopped, or its VMM ended. See `smolvm list` and `smolvm logs`.',
  });
}

function requestFailed(payload: Buffer): SmolVMError {
  const { message, errno } = decodeFailed(payload);
  return new SmolVMError('COMMAND_UNAVAILABLE', `the guest refused a request: ${escapeText(message)}`, { details: { errno } });
}
