/** The window that zstd itself accepts unless told otherwise (`ZSTD_WINDOWLOG_LIMIT_DEFAULT`, 27). */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
/** What one block may stand for (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK_BYTES = 128 * 1024;

const ZSTD_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** The longest header: magic, descriptor, window, 4 bytes of dictionary id, 8 of size. */
const MAX_HEADER_BYTES = 18;

/**
 * Follows the frames and blocks of zstd data (RFC 8878) ahead of a decoder that trusts what they claim: a header of 6
 * bytes can ask for a window of 2 GiB, and a block of 4 bytes for 2 MiB. Decodes nothing.
 */
export class ZstdFrames {
  /** The part of a header that has come. */
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);
  #headerBytes = 0;
  #skip = 0;
  #inFrame = false;
  #hasChecksum = false;

  /** Checks the next piece of the data. @throws Error for what must not reach a decoder */
  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, piece.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#header[this.#headerBytes] = piece[at] ?? 0;
      this.#headerBytes += 1;
      at += 1;
      if (this.#inFrame ? this.#blockHeader() : this.#frameHeader()) this.#headerBytes = 0;
    }
  }

  /** Is it at the end of a frame? */
  get isComplete(): boolean {
    return !this.#inFrame && this.#headerBytes === 0 && this.#skip === 0;
  }

  /** Is the header whole? Then it was taken. */
  #frameHeader(): boolean {
    const [header, length] = [this.#header, this.#headerBytes];
    if (length < 5) return false;
    const magic = header.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      if (length < 8) return false;
      this.#skip = header.readUInt32LE(4);
      return true;
    }
    if (magic !== ZSTD_MAGIC) throw new Error('it is no zstd data');
    const descriptor = header.readUInt8(4);
    const isSingleSegment = (descriptor & 0x20) !== 0;
    if ((descriptor & 3) !== 0) throw new Error('it needs a dictionary');
    const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    if (length < 5 + (isSingleSegment ? 0 : 1) + sizeBytes) return false;
    const windowBytes = isSingleSegment
      ? contentSize(header.subarray(5, length))
      : windowSize(header.readUInt8(5));
    if (windowBytes > MAX_WINDOW_BYTES) throw new Error(`it needs a window of ${String(windowBytes)} bytes`);
    this.#inFrame = true;
    this.#hasChecksum = (descriptor & 4) !== 0;
    return true;
  }

  #blockHeader(): boolean {
    if (this.#headerBytes < 3) return false;
    const header = this.#header.readUIntLE(0, 3);
    const [type, size] = [(header >> 1) & 3, header >> 3];
    if (type === 3) throw new Error('it has a block of no known type');
    if (size > MAX_BLOCK_BYTES) throw new Error('it has a block that is too large');
    // Type 1 is one byte, to be repeated.
    this.#skip = type === 1 ? 1 : size;
    if ((header & 1) === 1) {
      this.#inFrame = false;
      this.#skip += this.#hasChecksum ? 4 : 0;
    }
    return true;
  }
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0);
}
