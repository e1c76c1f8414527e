import { breach } from './frames.ts';

/** Reads a payload field by field; every breach of its end is an error. */
export class PayloadReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u8(): number {
    return this.#take(1).readUInt8();
  }

  u16(): number {
    return this.#take(2).readUInt16LE();
  }

  u32(): number {
    return this.#take(4).readUInt32LE();
  }

  /** A 64-bit number; above 2^53 it is not exact. */
  u64(): number {
    return Number(this.#take(8).readBigUInt64LE());
  }

  /** A string, at most `maxBytes` long. Bytes that are no UTF-8 become U+FFFD. */
  text(maxBytes: number): string {
    const length = this.u32();
    if (length > maxBytes) throw breach(`a string of ${String(length)} bytes`);
    return this.#take(length).toString('utf8');
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw breach('a payload that is too short');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}

/** Builds a payload field by field. */
export class PayloadWriter {
  readonly #parts: Buffer[] = [];

  u8(value: number): this {
    return this.#add(1, (bytes) => bytes.writeUInt8(value));
  }

  u16(value: number): this {
    return this.#add(2, (bytes) => bytes.writeUInt16LE(value));
  }

  u32(value: number): this {
    return this.#add(4, (bytes) => bytes.writeUInt32LE(value));
  }

  u64(value: bigint): this {
    return this.#add(8, (bytes) => bytes.writeBigUInt64LE(value));
  }

  text(value: string): this {
    const bytes = Buffer.from(value, 'utf8');
    return this.u32(bytes.length).raw(bytes);
  }

  texts(values: readonly string[]): this {
    this.u32(values.length);
    for (const value of values) this.text(value);
    return this;
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(size: number, write: (bytes: Buffer) => void): this {
    const bytes = Buffer.allocUnsafe(size);
    write(bytes);
    return this.raw(bytes);
  }
}
