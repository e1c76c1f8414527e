import { SmolVMError } from '../../errors.ts';
import { escapeText } from '../../base/escape-text.ts';
import type { ExecRequest, GuestCommand, GuestExit } from '../guest-channel.ts';
import { breach, FLAG_END, FLAG_MORE, FRAME, MAX_HOST_PAYLOAD, type Frame } from './frames.ts';
import { decodeExit, decodeFailed, encodeExec, MAX_EXEC_BYTES, OUTPUT_WINDOW_BYTES } from './messages.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';

/** Sends a frame of one stream. */
export type SendFrame = (type: number, flags: number, payload: Buffer) => void;

const SIGKILL = 9;
const NOTHING = Buffer.alloc(0);
const CHANNELS = { stdout: 1, stderr: 2 } as const;

/** One running command of a session: its output window, its input credit, its end. */
export class AgentCommand implements GuestCommand {
  readonly exit: Promise<GuestExit>;
  readonly #send: SendFrame;
  readonly #onOutput: ExecRequest['onOutput'];
  readonly #unread = { stdout: 0, stderr: 0 };
  readonly #uncredited = { stdout: 0, stderr: 0 };
  #stdinCredit: number;
  #stdinRoom: (() => void) | undefined;
  #deliveries: Promise<void> = Promise.resolve();
  #consumerError: unknown;
  #settle: { resolve: (exit: GuestExit) => void; reject: (error: unknown) => void } | undefined;

  constructor(request: ExecRequest, stdinWindowBytes: number, send: SendFrame) {
    this.#send = send;
    this.#onOutput = request.onOutput;
    this.#stdinCredit = stdinWindowBytes;
    this.exit = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.exit.catch(() => undefined);
    this.#sendExec(encodeExec(request));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.#settle !== undefined;) {
      const size = Math.min(bytes.length - at, MAX_HOST_PAYLOAD, this.#stdinCredit);
      if (size > 0) {
        this.#stdinCredit -= size;
        this.#send(FRAME.STDIN, 0, Buffer.from(bytes.buffer, bytes.byteOffset + at, size));
        at += size;
      } else {
        await new Promise<void>((resolve) => (this.#stdinRoom = resolve));
      }
    }
  }

  end(): void {
    if (this.#settle !== undefined) this.#send(FRAME.STDIN, FLAG_END, NOTHING);
  }

  kill(signalNumber: number): void {
    if (this.#settle !== undefined) this.#send(FRAME.SIGNAL, 0, new PayloadWriter().u32(signalNumber).u8(0).bytes());
  }

  /** Takes a frame of this stream. Returns true when it was the last. */
  receive({ type, payload }: Frame): boolean {
    switch (type) {
      case FRAME.STARTED:
        return false;
      case FRAME.STDOUT:
      case FRAME.STDERR:
        this.#deliver(type === FRAME.STDOUT ? 'stdout' : 'stderr', payload);
        return false;
      case FRAME.GUEST_CREDIT:
        this.#addStdinCredit(payload);
        return false;
      case FRAME.EXIT:
        this.#finish(decodeExit(payload));
        return true;
      case FRAME.FAILED:
        this.fail(notStarted(payload));
        return true;
      default:
        throw breach(`frame type ${String(type)} on the stream of a command`);
    }
  }

  /** Ends the command on this side: it never started, or the session is lost. */
  fail(error: Error): void {
    this.#settle?.reject(error);
    this.#close();
  }

  #sendExec(payload: Buffer): void {
    if (payload.length > MAX_EXEC_BYTES) {
      throw new SmolVMError('INVALID_ARGUMENT', `the command, its arguments and environment take ${String(payload.length)} bytes, at most ${String(MAX_EXEC_BYTES)} are possible`, {
        hint: 'Pass large data as input or as a file.',
      });
    }
    for (let at = 0; at < payload.length; at += MAX_HOST_PAYLOAD) {
      const end = Math.min(at + MAX_HOST_PAYLOAD, payload.length);
      this.#send(FRAME.EXEC, end < payload.length ? FLAG_MORE : 0, payload.subarray(at, end));
    }
  }

  #deliver(name: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#unread[name] += chunk.length;
    if (this.#unread[name] > OUTPUT_WINDOW_BYTES) throw breach('more output than it may send');
    this.#deliveries = this.#deliveries.then(async () => {
      try {
        if (this.#consumerError === undefined) await this.#onOutput(name, chunk);
      } catch (error) {
        this.#consumerError = error ?? new Error('the consumer of the output failed');
        this.kill(SIGKILL);
      }
      this.#credit(name, chunk.length);
    });
  }

  /** Gives credit back in large pieces: one small frame for half a window. */
  #credit(name: 'stdout' | 'stderr', bytes: number): void {
    this.#unread[name] -= bytes;
    this.#uncredited[name] += bytes;
    if (this.#uncredited[name] < OUTPUT_WINDOW_BYTES / 2 || this.#settle === undefined) return;
    this.#send(FRAME.CREDIT, 0, new PayloadWriter().u8(CHANNELS[name]).u32(this.#uncredited[name]).bytes());
    this.#uncredited[name] = 0;
  }

  #addStdinCredit(payload: Buffer): void {
    const reader = new PayloadReader(payload);
    if (reader.u8() !== 0) throw breach('credit for a channel that is not stdin');
    this.#stdinCredit += reader.u32();
    if (this.#stdinCredit > Number.MAX_SAFE_INTEGER / 2) throw breach('credit without end');
    this.#wakeWriter();
  }

  #finish(exit: GuestExit): void {
    const settle = this.#settle;
    void this.#deliveries.then(() => {
      if (this.#consumerError === undefined) settle?.resolve(exit);
      else settle?.reject(this.#consumerError);
    });
    this.#close();
  }

  #close(): void {
    this.#settle = undefined;
    this.#wakeWriter();
  }

  #wakeWriter(): void {
    this.#stdinRoom?.();
    this.#stdinRoom = undefined;
  }
}

function notStarted(payload: Buffer): SmolVMError {
  const { errno, reason, message } = decodeFailed(payload);
  return new SmolVMError('COMMAND_NOT_STARTED', `the command did not start: ${escapeText(message)}`, {
    hint: NOT_STARTED_HINTS[reason],
    details: { reason: escapeText(reason), errno },
  });
}

const NOT_STARTED_HINTS: Readonly<Record<string, string>> = {
  notFound: 'Give the full path, or install the program in the guest.',
  notExecutable: 'Make it executable (chmod +x), or run it with its interpreter.',
  badCwd: 'Make the folder first, or choose another working folder.',
  badUser: 'Use a name from /etc/passwd of the guest, or uid:gid.',
  limit: 'Wait for other commands of this VM to end.',
};
