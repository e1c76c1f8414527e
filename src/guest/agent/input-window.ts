import { breach, MAX_HOST_PAYLOAD } from './frames.ts';
import { PayloadReader } from './payload.ts';

/** Input on its way to a command: as much as the guest has room for, the rest waits. */
export class InputWindow {
  readonly #send: (piece: Buffer) => void;
  #creditBytes: number;
  #isOpen = true;
  #wake: (() => void) | undefined;

  constructor(creditBytes: number, send: (piece: Buffer) => void) {
    this.#creditBytes = creditBytes;
    this.#send = send;
  }

  /** Resolves when all of it was sent, or the command has ended. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.#isOpen;) {
      const size = Math.min(bytes.length - at, MAX_HOST_PAYLOAD, this.#creditBytes);
      if (size > 0) {
        this.#creditBytes -= size;
        this.#send(Buffer.from(bytes.buffer, bytes.byteOffset + at, size));
        at += size;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }

  /** Takes the payload of a CREDIT frame. */
  addCredit(payload: Buffer): void {
    const reader = new PayloadReader(payload);
    if (reader.u8() !== 0) throw breach('credit for a channel that is not stdin');
    this.#creditBytes += reader.u32();
    if (this.#creditBytes > Number.MAX_SAFE_INTEGER / 2) throw breach('credit without end');
    this.#wakeWriter();
  }

  /** Nothing more is sent. */
  close(): void {
    this.#isOpen = false;
    this.#wakeWriter();
  }

  #wakeWriter(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
