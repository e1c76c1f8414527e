import type { GuestInfo } from '../guest-channel.ts';
import type { FrameDecoder} from './frames.ts';
import { breach, FRAME, type Frame } from './frames.ts';
import { decodeGuestHello } from './messages.ts';

/** Leftovers of an earlier session that may come before the agent's answer to ours. */
const MAX_LEFTOVER_BYTES = 1024 * 1024;

/** The agent's answer to our hello. */
export interface Answer {
  readonly info: GuestInfo;
  /** Frames that came in the same chunk. */
  readonly frames: readonly Frame[];
}

/** Finds the agent's answer in a stream that may begin with anything: first our nonce, then its HELLO frame. Pure. */
export class HelloReader {
  readonly #nonce: Buffer;
  readonly #decoder: FrameDecoder;
  #leftover: Buffer | undefined = Buffer.alloc(0);
  #skippedBytes = 0;

  constructor(nonce: Buffer, decoder: FrameDecoder) {
    this.#nonce = nonce;
    this.#decoder = decoder;
  }

  /** Takes a chunk; returns the answer once it is whole. */
  take(chunk: Buffer): Answer | undefined {
    const bytes = this.#leftover === undefined ? chunk : this.#skipToNonce(this.#leftover, chunk);
    if (bytes === undefined) return undefined;
    const [hello, ...frames] = this.#decoder.push(bytes);
    if (hello === undefined) return undefined;
    if (hello.type !== FRAME.GUEST_HELLO) throw breach(`frame type ${String(hello.type)} instead of its hello`);
    return { info: decodeGuestHello(hello.payload), frames };
  }

  #skipToNonce(leftover: Buffer, chunk: Buffer): Buffer | undefined {
    const seen = Buffer.concat([leftover, chunk]);
    const at = seen.indexOf(this.#nonce);
    if (at !== -1) {
      this.#leftover = undefined;
      return seen.subarray(at + this.#nonce.length);
    }
    this.#skippedBytes += chunk.length;
    if (this.#skippedBytes > MAX_LEFTOVER_BYTES) throw breach('no answer to our hello');
    this.#leftover = Buffer.from(seen.subarray(-this.#nonce.length));
    return undefined;
  }
}
