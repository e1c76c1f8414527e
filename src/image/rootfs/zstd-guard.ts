/** As much as zstd itself takes by default. A frame may ask for 2 GiB in its first 6 bytes. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;

const MAGIC = 0xfd2f_b528;
/** Frames for other programs, to be left out; the last digit is any. */
const SKIPPABLE = 0x184d_2a50;

/** What comes next in the stream: so many bytes, kept (and then looked at) or left out. */
interface Step {
  readonly sizeBytes: number;
  readonly isKept: boolean;
  readonly then: (bytes: Buffer) => Step;
}

/**
 * Follows the frames and blocks of a zstd stream without unpacking them, and refuses frames that would take too much
 * memory, before the bytes go to the decoder: fzstd allocates what a frame asks for.
 */
export class ZstdGuard {
  #step: Step = NEXT_FRAME;
  #kept = Buffer.alloc(0);
  #done = 0;

  /** Is the stream complete if it ends here? */
  get isComplete(): boolean {
    return this.#step === NEXT_FRAME && this.#done === 0;
  }

  push(chunk: Buffer): void {
    for (let rest = chunk; ;) {
      const part = rest.subarray(0, this.#step.sizeBytes - this.#done);
      if (this.#step.isKept) this.#kept = Buffer.concat([this.#kept, part]);
      this.#done += part.length;
      rest = rest.subarray(part.length);
      if (this.#done < this.#step.sizeBytes) return;
      this.#step = this.#step.then(this.#kept);
      [this.#kept, this.#done] = [Buffer.alloc(0), 0];
      if (rest.length === 0 && this.#step.sizeBytes > 0) return;
    }
  }
}

function keep(sizeBytes: number, then: Step['then']): Step {
  return { sizeBytes, isKept: true, then };
}

function leaveOut(sizeBytes: number, next: () => Step): Step {
  return { sizeBytes, isKept: false, then: next };
}

const NEXT_FRAME: Step = keep(4, (bytes) => {
  const magic = bytes.readUInt32LE();
  if (magic === MAGIC) return keep(1, (descriptor) => frameHeader(descriptor.readUInt8()));
  if ((magic & ~0xf) >>> 0 === SKIPPABLE)
    return keep(4, (size) => leaveOut(size.readUInt32LE(), () => NEXT_FRAME));
  throw new Error('these are no zstd data');
});

/** RFC 8878, 3.1.1.1: the descriptor tells which fields follow. */
function frameHeader(descriptor: number): Step {
  const isSingle = (descriptor & 0x20) !== 0;
  const checksumBytes = (descriptor & 0x04) === 0 ? 0 : 4;
  const windowBytes = isSingle ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return keep(windowBytes + dictionaryBytes + contentBytes, (fields) => {
    const size = isSingle
      ? littleEndian(fields.subarray(dictionaryBytes)) + (contentBytes === 2 ? 256 : 0)
      : windowSize(fields.readUInt8());
    if (size > MAX_WINDOW_BYTES) throw new Error(`a zstd frame asks for ${size} bytes of memory`);
    return nextBlock(checksumBytes);
  });
}

function nextBlock(checksumBytes: number): Step {
  return keep(3, (bytes) => {
    const header = bytes.readUIntLE(0, 3);
    const isLast = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    if (type === 3) throw new Error('a zstd block is of no known type');
    // Type 1 is one byte, so many times.
    const sizeBytes = type === 1 ? 1 : header >> 3;
    return leaveOut(sizeBytes, () =>
      isLast ? leaveOut(checksumBytes, () => NEXT_FRAME) : nextBlock(checksumBytes),
    );
  });
}

function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

function littleEndian(bytes: Buffer): number {
  return bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
}
