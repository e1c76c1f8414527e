import { open, type FileHandle } from 'node:fs/promises';
import { requireSpace } from '../../base/free-space.ts';
import { RandomFile, WindowReader } from './image-file.ts';
import type { Content, Piece } from './tree/nodes.ts';

/** A part of a file is left out if all of it is zeros. */
const UNIT_BYTES = 64 * 1024;
const BUFFER_BYTES = 16 * UNIT_BYTES;
const CHECK_SPACE_BYTES = 64 * 1024 * 1024;
const ZEROS = Buffer.alloc(UNIT_BYTES);

/** The contents of all files, one after the other in one file, until it is known where in the image they go. */
export class Spool implements AsyncDisposable {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #file: RandomFile;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #flushed = 0;
  #used = 0;
  #checkSpaceAt = 0;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
    this.#file = new RandomFile(handle);
  }

  static async create(path: string): Promise<Spool> {
    return new Spool(path, await open(path, 'wx+', 0o600));
  }

  /** Takes the contents of a file in. Long runs of zeros become holes. */
  async add(body: AsyncIterable<Buffer>): Promise<Content> {
    const pieces: Piece[] = [];
    let sizeBytes = 0;
    let unitBytes = 0;
    const closeUnit = async (): Promise<void> => {
      const unit = this.#buffer.subarray(this.#used, this.#used + unitBytes);
      if (!unit.equals(ZEROS.subarray(0, unitBytes))) {
        append(pieces, {
          at: sizeBytes - unitBytes,
          spoolAt: this.#flushed + this.#used,
          lengthBytes: unitBytes,
        });
        this.#used += unitBytes;
      }
      unitBytes = 0;
      if (this.#used + UNIT_BYTES > BUFFER_BYTES) await this.#flush();
    };
    for await (const chunk of body) {
      for (let done = 0; done < chunk.length;) {
        const part = chunk.subarray(done, done + UNIT_BYTES - unitBytes);
        this.#buffer.set(part, this.#used + unitBytes);
        done += part.length;
        unitBytes += part.length;
        sizeBytes += part.length;
        if (unitBytes === UNIT_BYTES) await closeUnit();
      }
    }
    if (unitBytes > 0) await closeUnit();
    return { sizeBytes, pieces };
  }

  /** Everything that was added, for reading; nothing may be added after. */
  async reader(): Promise<WindowReader> {
    await this.#flush();
    return new WindowReader(this.#file, this.#flushed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    if (this.#flushed >= this.#checkSpaceAt) {
      requireSpace(this.#path, CHECK_SPACE_BYTES);
      this.#checkSpaceAt = this.#flushed + CHECK_SPACE_BYTES;
    }
    await this.#file.write(this.#flushed, this.#buffer.subarray(0, this.#used));
    this.#flushed += this.#used;
    this.#used = 0;
  }
}

/** Adds a piece, to the last one if both follow each other. */
function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  const isNext =
    last !== undefined &&
    last.at + last.lengthBytes === piece.at &&
    last.spoolAt + last.lengthBytes === piece.spoolAt;
  if (isNext) pieces.splice(-1, 1, { ...last, lengthBytes: last.lengthBytes + piece.lengthBytes });
  else pieces.push(piece);
}
