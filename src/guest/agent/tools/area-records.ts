import { AREA_PIECE_BYTES } from '../../../spec/transfer-area.ts';
import { malformed } from './chunk-reader.ts';

/** A record says what comes next of a stream that goes through the transfer area (docs/agent-tools.md). */
type AreaRecord =
  /** So many bytes are in the next piece of the area. */
  | { readonly kind: 'piece'; readonly lengthBytes: number }
  /** So many bytes follow the record. */
  | { readonly kind: 'inline'; readonly lengthBytes: number };

/** Less than that is not worth a piece. */
export const WORTHWHILE_BYTES = 64 * 1024;

const INLINE_BIT = 0x8000_0000;
const MAX_INLINE_BYTES = 1024 * 1024;
const HEAD_BYTES = 4;

/** Asks the tool whether it has the area; `PRESENT` or `ABSENT` is the answer. */
export const OPEN_RECORD = u32(0xffff_ffff);
/** Nothing more comes. A stream that ends without it was given up. */
export const END_RECORD = u32(0);

/** What the tool answers to {@link OPEN_RECORD}, and what either side says when it has taken a piece. */
export const PRESENT = 1;
export const ABSENT = 0;

export function encodeAreaRecord({ kind, lengthBytes }: AreaRecord): Buffer {
  return u32(kind === 'inline' ? INLINE_BIT + lengthBytes : lengthBytes);
}

/** The head of a record of the guest. Pure. */
export function decodeAreaRecord(head: Buffer): AreaRecord {
  const value = head.readUInt32LE();
  const [kind, most] =
    value >= INLINE_BIT ? (['inline', MAX_INLINE_BYTES] as const) : (['piece', AREA_PIECE_BYTES] as const);
  const lengthBytes = kind === 'inline' ? value - INLINE_BIT : value;
  if (lengthBytes === 0 || lengthBytes > most) throw malformed(`a record of ${String(lengthBytes)} bytes`);
  return { kind, lengthBytes };
}

/** What a {@link AreaParser} finds, in order. */
export type AreaPart =
  | { readonly kind: 'piece'; readonly lengthBytes: number }
  | { readonly kind: 'bytes'; readonly bytes: Buffer };

/** Takes a tool's output apart, whatever chunks it comes in. Pure. */
export class AreaParser {
  #head = Buffer.alloc(0);
  #inlineBytes = 0;

  *parts(chunk: Buffer): Generator<AreaPart> {
    for (let rest = chunk; rest.length > 0;) {
      if (this.#inlineBytes > 0) {
        const bytes = rest.subarray(0, this.#inlineBytes);
        this.#inlineBytes -= bytes.length;
        rest = rest.subarray(bytes.length);
        yield { kind: 'bytes', bytes };
        continue;
      }
      const needed = HEAD_BYTES - this.#head.length;
      this.#head = Buffer.concat([this.#head, rest.subarray(0, needed)]);
      rest = rest.subarray(needed);
      if (this.#head.length < HEAD_BYTES) return;
      const record = decodeAreaRecord(this.#head);
      this.#head = Buffer.alloc(0);
      if (record.kind === 'inline') this.#inlineBytes = record.lengthBytes;
      else yield { kind: 'piece', lengthBytes: record.lengthBytes };
    }
  }

  /** After the tool has ended well: was that the end of a record? */
  requireWhole(): void {
    if (this.#head.length > 0 || this.#inlineBytes > 0) throw malformed('a record that ends early');
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.writeUInt32LE(value);
  return bytes;
}
