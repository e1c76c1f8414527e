import type { AreaClaim } from '../../guest/transfer-area.ts';
import { AreaParser, PRESENT } from '../../guest/agent/tools/area-records.ts';
import { AREA_PIECE_COUNT } from '../../spec/transfer-area.ts';

/** Where the bytes of a tool go, and how it learns that a piece was taken. */
interface Ends {
  readonly onBytes: (bytes: Buffer) => void | Promise<void>;
  readonly acknowledge: (byte: Uint8Array) => Promise<void>;
}

/** Output of a tool that puts large pieces into the transfer area. */
export class AreaReceiver {
  readonly #claim: AreaClaim;
  readonly #ends: Ends;
  readonly #parser = new AreaParser();
  #takenCount = 0;
  #toldCount = 0;

  constructor(claim: AreaClaim, ends: Ends) {
    this.#claim = claim;
    this.#ends = ends;
  }

  /** Takes the tool's output; resolves when its bytes were taken. */
  async take(output: Buffer): Promise<void> {
    for (const part of this.#parser.parts(output)) {
      if (part.kind === 'bytes') {
        await this.#ends.onBytes(part.bytes);
        continue;
      }
      const bytes = await this.#claim.read(this.#takenCount, part.lengthBytes);
      this.#takenCount += 1;
      await this.#acknowledge();
      await this.#ends.onBytes(bytes);
    }
  }

  /** Half of the pieces at once, before they are used: the guest fills them again meanwhile. */
  async #acknowledge(): Promise<void> {
    const count = this.#takenCount - this.#toldCount;
    if (count * 2 < AREA_PIECE_COUNT) return;
    this.#toldCount = this.#takenCount;
    await this.#ends.acknowledge(Buffer.alloc(count, PRESENT));
  }

  /** The tool has ended well: so must have what it sent. */
  requireWhole(): void {
    this.#parser.requireWhole();
  }
}
