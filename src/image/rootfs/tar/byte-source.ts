import type { Readable } from 'node:stream';
import { orAborted } from '../../../base/poll.ts';
import { LayerProblem } from '../layer-problem.ts';

/** Bytes of a stream, taken in pieces of the size that the reader asks for. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #signal: AbortSignal;
  #rest: Buffer = Buffer.alloc(0);

  /** Destroying the stream is the caller's. */
  constructor(stream: Readable, signal: AbortSignal) {
    this.#signal = signal;
    this.#chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes. Only for sizes that are bounded: they are held in memory. */
  async take(sizeBytes: number): Promise<Buffer> {
    if (!(await this.#fill())) throw ended();
    if (this.#rest.length >= sizeBytes) return this.#shift(sizeBytes);
    const parts: Buffer[] = [];
    for await (const piece of this.pieces(sizeBytes)) parts.push(piece);
    return Buffer.concat(parts);
  }

  /** The next so many bytes, as they come. */
  async *pieces(sizeBytes: number): AsyncGenerator<Buffer> {
    for (let left = sizeBytes; left > 0;) {
      if (!(await this.#fill())) throw ended();
      const piece = this.#shift(Math.min(left, this.#rest.length));
      left -= piece.length;
      yield piece;
    }
  }

  /** Throws so many bytes away. */
  async skip(sizeBytes: number): Promise<void> {
    for (let left = sizeBytes; left > 0;) {
      if (!(await this.#fill())) throw ended();
      left -= this.#shift(Math.min(left, this.#rest.length)).length;
    }
  }

  /** Reads to the end, so that a stream that checks itself has its say; more than `maxBytes` are refused. */
  async drain(maxBytes: number): Promise<void> {
    for (let left = maxBytes; await this.#fill(); this.#rest = Buffer.alloc(0)) {
      left -= this.#rest.length;
      if (left < 0) throw new LayerProblem('there are too many bytes after its end');
    }
  }

  #shift(sizeBytes: number): Buffer {
    const piece = this.#rest.subarray(0, sizeBytes);
    this.#rest = this.#rest.subarray(sizeBytes);
    return piece;
  }

  /** Makes sure that a byte is there; false at the end. */
  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await orAborted(this.#chunks.next(), this.#signal);
      if (next.done === true) return false;
      this.#rest = next.value;
    }
    return true;
  }
}

function ended(): LayerProblem {
  return new LayerProblem('it ends too early');
}
