import { AREA_PIECE_BYTES } from '../../spec/transfer-area.ts';

/** Gathers a stream into chunks of the size that moves best: few large ones instead of many small ones. */
export class ChunkWriter {
  #chunk: Buffer | undefined;
  #usedBytes = 0;

  /** Adds some bytes; gives the chunk before them if they have no room in it. */
  *add(bytes: Uint8Array): Generator<Uint8Array, void> {
    const room = yield* this.room(bytes.length);
    room.set(bytes);
    this.used(bytes.length);
  }

  /** The room that is left, at least so many bytes. What is put there counts once {@link used} says so. */
  *room(leastBytes: number): Generator<Uint8Array, Buffer> {
    if (AREA_PIECE_BYTES - this.#usedBytes < leastBytes) yield* this.flush();
    this.#chunk ??= Buffer.allocUnsafeSlow(AREA_PIECE_BYTES);
    return this.#chunk.subarray(this.#usedBytes);
  }

  used(bytes: number): void {
    this.#usedBytes += bytes;
  }

  /** Gives what is there. */
  *flush(): Generator<Uint8Array, void> {
    if (this.#chunk === undefined || this.#usedBytes === 0) return;
    // Not used again: whoever got it may still be at it.
    yield this.#chunk.subarray(0, this.#usedBytes);
    this.#chunk = undefined;
    this.#usedBytes = 0;
  }
}
