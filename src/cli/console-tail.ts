import { StringDecoder } from 'node:string_decoder';
import { safeLines } from './safe-text.ts';

/** What the VMM holds of a console until somebody reads it; it drops the oldest of more. */
const RING_BYTES = 256 * 1024;

/** What came to a console since the last look. */
export interface Fresh {
  readonly bytes: Buffer;
  /** Is something missing before these bytes, or among them? */
  readonly mayLack: boolean;
}

/** Follows a console of which only the newest part can be read, each time as a whole. */
export class ConsoleTail {
  #seen: Buffer = Buffer.alloc(0);
  #isFirst = true;

  /** @param newest - all that can be read of the console now */
  take(newest: Uint8Array): Fresh {
    const now = Buffer.from(newest.buffer, newest.byteOffset, newest.byteLength);
    const known = overlapBytes(this.#seen, now);
    const bytes = now.subarray(known);
    const hasGap = (this.#seen.length > 0 && known === 0) || bytes.length >= RING_BYTES;
    const mayLack = hasGap && !this.#isFirst;
    this.#seen = now;
    this.#isFirst = false;
    return { bytes, mayLack };
  }
}

/** Length of the longest end of `before` with which `after` begins. */
export function overlapBytes(before: Uint8Array, after: Uint8Array): number {
  // As long as nothing was dropped. It also spares the search below while nothing comes.
  if (before.length <= after.length && Buffer.compare(before, after.subarray(0, before.length)) === 0)
    return before.length;
  const end = before.subarray(-after.length);
  const borders = bordersOf(after);
  let matched = 0;
  for (const byte of end) {
    while (matched > 0 && (matched === after.length || after[matched] !== byte))
      matched = borders[matched - 1] ?? 0;
    if (after[matched] === byte) matched += 1;
  }
  return matched;
}

/** For each prefix the length of its longest proper prefix that is also its end (Knuth, Morris and Pratt). */
function bordersOf(bytes: Uint8Array): Uint32Array {
  const borders = new Uint32Array(bytes.length);
  for (let at = 1, matched = 0; at < bytes.length; at += 1) {
    while (matched > 0 && bytes[matched] !== bytes[at]) matched = borders[matched - 1] ?? 0;
    if (bytes[matched] === bytes[at]) matched += 1;
    borders[at] = matched;
  }
  return borders;
}

/** Bytes that come in pieces → text that is safe on a terminal, whatever a piece cuts in two. */
export class SafePieces {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  push(bytes: Buffer): string {
    const text = this.#rest + this.#decoder.write(bytes);
    this.#rest = text.endsWith('\r') ? '\r' : '';
    return safeLines(text.slice(0, text.length - this.#rest.length));
  }

  /** What a last piece left open. */
  end(): string {
    return safeLines(this.#rest + this.#decoder.end());
  }
}
