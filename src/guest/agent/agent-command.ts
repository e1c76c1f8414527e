import { Deferred } from '../../base/deferred.ts';
import { SmolVMError } from '../../errors.ts';
import type { GuestCommand, GuestExit, OnOutput, StartedCommand, TerminalSize } from '../guest-channel.ts';
import { breach, FLAG_END, FLAG_MORE, FRAME, MAX_HOST_PAYLOAD, type Frame } from './frames.ts';
import { InputWindow } from './input-window.ts';
import { decodeAttached, decodeExit, decodeStarted, MAX_EXEC_BYTES } from './messages.ts';
import { OutputWindow } from './output-window.ts';
import { PayloadWriter } from './payload.ts';

/** Sends a frame of one stream. */
export type SendFrame = (type: number, flags: number, payload: Buffer) => void;

/** How a stream is begun, and what its FAILED means. */
export interface Opening {
  readonly type: typeof FRAME.EXEC | typeof FRAME.ATTACH;
  readonly payload: Buffer;
  readonly onOutput: OnOutput;
  readonly onOutputEnd?: ((name: 'stdout' | 'stderr') => void) | undefined;
  readonly describeFailure: (payload: Buffer) => SmolVMError;
}

const SIGKILL = 9;
const NOTHING = Buffer.alloc(0);
const CHANNELS = { stdout: 1, stderr: 2 } as const;

/** One command of a session: its start, output, input and end. */
export class AgentCommand implements GuestCommand {
  readonly started: Promise<StartedCommand>;
  readonly exit: Promise<GuestExit>;
  readonly #send: SendFrame;
  readonly #describeFailure: Opening['describeFailure'];
  readonly #output: OutputWindow;
  readonly #input: InputWindow;
  readonly #starting = new Deferred<StartedCommand>();
  readonly #ending = new Deferred<GuestExit>();
  #isOpen = true;

  constructor(opening: Opening, stdinWindowBytes: number, send: SendFrame) {
    this.#send = (type, flags, payload) => {
      if (this.#isOpen) send(type, flags, payload);
    };
    this.#describeFailure = opening.describeFailure;
    this.started = this.#starting.promise;
    this.exit = this.#ending.promise;
    this.#output = new OutputWindow(opening.onOutput, {
      onCredit: (name, bytes) => {
        this.#send(FRAME.CREDIT, 0, new PayloadWriter().u8(CHANNELS[name]).u32(bytes).bytes());
      },
      onConsumerFailed: () => {
        this.kill(SIGKILL);
      },
      onEnd: (name) => opening.onOutputEnd?.(name),
    });
    this.#input = new InputWindow(stdinWindowBytes, (piece) => {
      this.#send(FRAME.STDIN, 0, piece);
    });
    this.#open(opening);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#input.write(bytes);
  }

  end(): void {
    this.#send(FRAME.STDIN, FLAG_END, NOTHING);
  }

  kill(signalNumber: number): void {
    this.#send(FRAME.SIGNAL, 0, new PayloadWriter().u32(signalNumber).u8(0).bytes());
  }

  resize({ rows, columns }: TerminalSize): void {
    this.#send(FRAME.RESIZE, 0, new PayloadWriter().u16(rows).u16(columns).bytes());
  }

  detach(): void {
    this.#send(FRAME.DETACH, 0, NOTHING);
  }

  /** Takes a frame of this stream. Returns true when it was the last. */
  receive({ type, flags, payload }: Frame): boolean {
    switch (type) {
      case FRAME.STARTED:
      case FRAME.ATTACHED:
        this.#starting.resolve(type === FRAME.STARTED ? decodeStarted(payload) : decodeAttached(payload));
        return false;
      case FRAME.STDOUT:
      case FRAME.STDERR:
        this.#takeOutput(type === FRAME.STDOUT ? 'stdout' : 'stderr', flags, payload);
        return false;
      case FRAME.GUEST_CREDIT:
        this.#input.addCredit(payload);
        return false;
      case FRAME.EXIT:
        this.#finish(decodeExit(payload));
        return true;
      case FRAME.DETACHED:
        this.fail(new SmolVMError('ABORTED', 'the command was detached: it runs on, its output goes to whoever attaches to it'));
        return true;
      case FRAME.FAILED:
        this.fail(this.#describeFailure(payload));
        return true;
      default:
        throw breach(`frame type ${String(type)} on the stream of a command`);
    }
  }

  /** Ends the command on this side: it never started, or the session is lost. */
  fail(error: Error): void {
    this.#close();
    this.#starting.reject(error);
    this.#ending.reject(error);
  }

  #takeOutput(name: 'stdout' | 'stderr', flags: number, payload: Buffer): void {
    if (payload.length > 0) this.#output.take(name, payload);
    if ((flags & FLAG_END) !== 0) this.#output.end(name);
  }

  /** A long request goes in parts. */
  #open({ type, payload }: Opening): void {
    if (payload.length > MAX_EXEC_BYTES) {
      throw new SmolVMError('INVALID_ARGUMENT', `the command, its arguments and environment take ${String(payload.length)} bytes, at most ${String(MAX_EXEC_BYTES)} are possible`, {
        hint: 'Pass large data as input or as a file.',
      });
    }
    for (let at = 0; at < payload.length; at += MAX_HOST_PAYLOAD) {
      const end = Math.min(at + MAX_HOST_PAYLOAD, payload.length);
      this.#send(type, end < payload.length ? FLAG_MORE : 0, payload.subarray(at, end));
    }
  }

  #finish(exit: GuestExit): void {
    this.#close();
    this.#starting.reject(breach('the end of a command that it never started'));
    this.#output.drained().then(() => {
      this.#ending.resolve(exit);
    }, this.#ending.reject);
  }

  #close(): void {
    this.#isOpen = false;
    this.#input.close();
  }
}
