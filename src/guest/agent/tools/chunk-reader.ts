import { SmolVMError } from '../../../errors.ts';

/** Reads exact amounts from chunks of any size. */
export class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array, undefined>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array, undefined>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async u8(): Promise<number> {
    return (await this.take(1)).readUInt8();
  }

  async u32(): Promise<number> {
    return (await this.take(4)).readUInt32LE();
  }

  /** A 64-bit number that must be exact. */
  async u64(what: string): Promise<number> {
    const value = (await this.take(8)).readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`${what} of ${String(value)}`);
    return Number(value);
  }

  /** Nanoseconds since 1970 as milliseconds. */
  async timeMs(): Promise<number> {
    return Number((await this.take(8)).readBigInt64LE()) / 1e6;
  }

  async bytes(what: string, maxBytes: number): Promise<Buffer> {
    const length = await this.u32();
    if (length > maxBytes) throw malformed(`${what} of ${String(length)} bytes`);
    return Buffer.from(await this.take(length));
  }

  /** Exactly so many bytes; the buffer is only good until the next call. */
  async take(length: number): Promise<Buffer> {
    while (this.#rest.length < length) {
      const more = await this.#next();
      if (more === undefined) throw malformed('its early end');
      this.#rest = this.#rest.length === 0 ? more : Buffer.concat([this.#rest, more]);
    }
    return this.#cut(length);
  }

  /** At least one byte and at most so many, without waiting for more. */
  async takeSome(maxBytes: number): Promise<Buffer> {
    if (this.#rest.length === 0) this.#rest = (await this.#next()) ?? Buffer.alloc(0);
    if (this.#rest.length === 0) throw malformed('its early end');
    return this.#cut(Math.min(maxBytes, this.#rest.length));
  }

  /** Is this the end? */
  async atEnd(): Promise<boolean> {
    if (this.#rest.length > 0) return false;
    const more = await this.#next();
    if (more === undefined) return true;
    this.#rest = more;
    return false;
  }

  #cut(length: number): Buffer {
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return part;
  }

  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return undefined;
      if (value.length > 0) return Buffer.from(value.buffer, value.byteOffset, value.length);
    }
  }
}

/** The guest sent what the format does not allow. */
export function malformed(what: string): SmolVMError {
  return new SmolVMError('PROTOCOL_ERROR', `the guest sent files in a wrong form: ${what}`, {
    hint: 'The guest may be compromised; nothing of it was put in place.',
  });
}
