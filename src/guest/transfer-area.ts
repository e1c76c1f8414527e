import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { errnoOf, toSmolVMError } from '../errors.ts';
import { AREA_PIECE_BYTES, AREA_PIECE_COUNT, AREA_SERIAL } from '../spec/transfer-area.ts';

/** The area while one transfer has it. What is read from it was written by the guest: nothing of it is trusted. */
export interface AreaClaim {
  /** Words that name the area before those of a tool (docs/agent-tools.md). */
  readonly words: readonly string[];
  /** Writes piece number `index`, counted from 0 through the whole transfer. */
  write(index: number, bytes: Uint8Array): Promise<void>;
  /** Reads so many bytes of piece number `index`; the buffer is the caller's. */
  read(index: number, lengthBytes: number): Promise<Buffer>;
  /** The tool of this transfer is gone: the next one may have the area. */
  readonly release: () => void;
}

/**
 * The part of the transfer disk that belongs to one session: a file of this host, a disk of the guest. Large data goes
 * through it instead of through the session. One transfer has it at a time; the others do without.
 */
export class TransferArea {
  readonly #path: string;
  readonly #offsetBytes: number;
  #opening: Promise<FileHandle | undefined> | undefined;
  #isTaken = false;

  constructor(path: string, offsetBytes: number) {
    this.#path = path;
    this.#offsetBytes = offsetBytes;
  }

  /** Takes the area; undefined if another transfer has it, or if there is none. */
  async claim(): Promise<AreaClaim | undefined> {
    if (this.#isTaken) return undefined;
    this.#isTaken = true;
    try {
      this.#opening ??= openArea(this.#path);
      const file = await this.#opening;
      return file === undefined ? undefined : this.#claimOf(file);
    } catch (error) {
      this.#isTaken = false;
      this.#opening = undefined;
      throw toSmolVMError(error, `open ${this.#path}`);
    }
  }

  /** Nobody gets it any more. Resolves when nothing is read or written any more either. */
  async close(): Promise<void> {
    this.#isTaken = true;
    await (await this.#opening)?.close();
  }

  #claimOf(file: FileHandle): AreaClaim {
    const placeOf = (index: number): number =>
      this.#offsetBytes + (index % AREA_PIECE_COUNT) * AREA_PIECE_BYTES;
    const numbers = [this.#offsetBytes, AREA_PIECE_BYTES, AREA_PIECE_COUNT];
    return {
      words: ['area', AREA_SERIAL, ...numbers.map(String)],
      write: async (index, bytes) => {
        for (let done = 0; done < bytes.length;)
          done += (await file.write(bytes, done, bytes.length - done, placeOf(index) + done)).bytesWritten;
      },
      read: async (index, lengthBytes) => {
        const bytes = Buffer.allocUnsafeSlow(lengthBytes);
        for (let done = 0; done < lengthBytes;) {
          const { bytesRead } = await file.read(bytes, done, lengthBytes - done, placeOf(index) + done);
          if (bytesRead === 0) throw new Error(`${this.#path} became shorter`);
          done += bytesRead;
        }
        return bytes;
      },
      release: () => {
        this.#isTaken = false;
      },
    };
  }
}

/** A VM that an older smolvm started has none. */
async function openArea(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
