import type { AreaClaim } from '../../guest/transfer-area.ts';
import {
  ABSENT,
  encodeAreaRecord,
  END_RECORD,
  OPEN_RECORD,
  PRESENT,
  WORTHWHILE_BYTES,
} from '../../guest/agent/tools/area-records.ts';
import { malformed } from '../../guest/agent/tools/chunk-reader.ts';
import { AREA_PIECE_BYTES, AREA_PIECE_COUNT } from '../../spec/transfer-area.ts';

/** Input of a tool that takes large pieces from the transfer area, and what the tool says to that. */
export class AreaSender {
  readonly #claim: AreaClaim;
  /** `unasked` until there is data that is worth it. */
  #area: 'unasked' | 'asked' | 'present' | 'absent' = 'unasked';
  #sentCount = 0;
  #takenCount = 0;
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(claim: AreaClaim) {
    this.#claim = claim;
  }

  /** The records that carry the source's bytes, each sent as soon as the source gives something. */
  async *records(source: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const given of source) {
      const bytes = typeof given === 'string' ? Buffer.from(given, 'utf8') : given;
      for (let at = 0; at < bytes.length && !this.#hasEnded; at += AREA_PIECE_BYTES)
        yield* this.#record(bytes.subarray(at, at + AREA_PIECE_BYTES));
      if (this.#hasEnded) return;
    }
    yield END_RECORD;
  }

  /** Takes the tool's output: an answer, and a byte for each piece that it has taken. */
  take(output: Buffer): void {
    for (const byte of output) {
      if (this.#area === 'asked' && (byte === PRESENT || byte === ABSENT)) {
        this.#area = byte === PRESENT ? 'present' : 'absent';
      } else if (this.#area === 'present' && byte === PRESENT && this.#takenCount < this.#sentCount) {
        this.#takenCount += 1;
      } else throw malformed('an answer to what was not sent');
    }
    this.#wakeUp();
  }

  /** The tool is gone. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeUp();
  }

  async *#record(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    if (bytes.length >= WORTHWHILE_BYTES && this.#area === 'unasked') {
      this.#area = 'asked';
      yield OPEN_RECORD;
      await this.#until(() => this.#area !== 'asked');
    }
    if (bytes.length < WORTHWHILE_BYTES || this.#area !== 'present') {
      yield Buffer.concat([encodeAreaRecord({ kind: 'inline', lengthBytes: bytes.length }), bytes]);
      return;
    }
    await this.#until(() => this.#sentCount - this.#takenCount < AREA_PIECE_COUNT);
    if (this.#hasEnded) return;
    await this.#claim.write(this.#sentCount, bytes);
    this.#sentCount += 1;
    yield encodeAreaRecord({ kind: 'piece', lengthBytes: bytes.length });
  }

  /** Waits for the tool to say so, or to end. */
  async #until(condition: () => boolean): Promise<void> {
    while (!this.#hasEnded && !condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
