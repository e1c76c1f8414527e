import type { FileHandle } from 'node:fs/promises';
import { writeAll } from '../../base/write-atomic.ts';
import { SmolVMError } from '../../errors.ts';

const BUFFER_BYTES = 1024 * 1024;

/** A file whose bytes are read and written at places. */
export class RandomFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Exactly so many bytes. */
  async read(at: number, lengthBytes: number): Promise<Buffer> {
    const bytes = Buffer.alloc(lengthBytes);
    await this.readInto(bytes, at);
    return bytes;
  }

  /** As many bytes as the buffer has. */
  async readInto(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, at + done);
      if (bytesRead === 0)
        throw new SmolVMError('HOST_FAILED', 'a temporary file is shorter than it was written');
      done += bytesRead;
    }
  }

  async write(at: number, bytes: Uint8Array): Promise<void> {
    await writeAll(this.#handle, bytes, at);
  }
}

/** Gathers writes that follow each other in a file: 10,000 small files are not 10,000 calls of the system. */
export class GatheredWriter {
  readonly #file: RandomFile;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  readonly #blockBytes: number;
  #start = 0;
  #used = 0;

  /** @param blockBytes - a write at such a block fills what is missing after the one before it with zeros */
  constructor(file: RandomFile, blockBytes: number) {
    this.#file = file;
    this.#blockBytes = blockBytes;
  }

  async write(at: number, bytes: Uint8Array): Promise<void> {
    const gap = at - this.#start - this.#used;
    const isNext = gap === 0 || (gap > 0 && gap < this.#blockBytes && at % this.#blockBytes === 0);
    if (!isNext || this.#used + gap >= BUFFER_BYTES) {
      await this.flush();
      this.#start = at;
    } else {
      this.#buffer.fill(0, this.#used, this.#used + gap);
      this.#used += gap;
    }
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + BUFFER_BYTES - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      done += part.length;
      if (this.#used === BUFFER_BYTES) await this.flush();
    }
  }

  async flush(): Promise<void> {
    if (this.#used > 0) await this.#file.write(this.#start, this.#buffer.subarray(0, this.#used));
    this.#start += this.#used;
    this.#used = 0;
  }
}

/** Reads that mostly follow each other. */
export class WindowReader {
  readonly #file: RandomFile;
  readonly #sizeBytes: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #window = this.#buffer.subarray(0, 0);
  #start = 0;

  constructor(file: RandomFile, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  /** At least one byte from `at` on, at most `maxBytes`; valid until the next read. */
  async read(at: number, maxBytes: number): Promise<Buffer> {
    const offset = at - this.#start;
    if (offset < 0 || offset >= this.#window.length) {
      this.#window = this.#buffer.subarray(0, Math.min(BUFFER_BYTES, this.#sizeBytes - at));
      await this.#file.readInto(this.#window, at);
      this.#start = at;
      return this.#window.subarray(0, maxBytes);
    }
    return this.#window.subarray(offset, offset + maxBytes);
  }
}
