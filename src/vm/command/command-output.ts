/** A piece of output, as the guest sent it. */
export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

/** Takes output as it comes. */
export interface Tap {
  /** While a returned promise is pending the command waits. */
  take(chunk: OutputChunk): void | Promise<void>;
  /** No more comes. */
  end(): void;
}

/**
 * A command's output: the first bytes of each stream are kept, up to a bound, and all of it goes to the taps. A tap
 * that comes late gets first what was kept.
 */
export class CommandOutput {
  readonly #maxBytes: number;
  readonly #chunks: OutputChunk[] = [];
  readonly #keptBytes = { stdout: 0, stderr: 0 };
  readonly #taps = new Set<Tap>();
  #receivedBytes = 0;
  #truncated = false;
  #hasEnded = false;
  #failure: unknown;

  /** @param maxBytes - kept of each stream */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Was anything left out of what is kept? */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** All bytes that came, of both streams. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** What a tap has thrown. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when all taps have taken it; throws what one of them throws. */
  async add(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> {
    this.#receivedBytes += bytes.length;
    this.#keep(stream, bytes);
    if (this.#taps.size === 0) return;
    try {
      await Promise.all([...this.#taps].map(async (tap) => tap.take({ stream, bytes })));
    } catch (error) {
      this.#failure = error ?? new Error('the consumer of the output failed');
      throw this.#failure;
    }
  }

  /**
   * Adds a tap; returns how to take it away again.
   *
   * @returns undefined if output is gone already that the tap should have got
   */
  tap(tap: Tap): (() => void) | undefined {
    if (this.#truncated && this.#receivedBytes > 0) return undefined;
    // What they return is of no use here: this output is in memory already.
    for (const chunk of this.#chunks) void tap.take(chunk);
    if (this.#hasEnded) tap.end();
    else this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  /** Tells the taps that nothing more comes. */
  end(): void {
    this.#hasEnded = true;
    for (const tap of this.#taps) tap.end();
    this.#taps.clear();
  }

  bytes(stream: 'stdout' | 'stderr'): Buffer {
    return Buffer.concat(this.#chunks.filter((chunk) => chunk.stream === stream).map(({ bytes }) => bytes));
  }

  text(stream: 'stdout' | 'stderr'): string {
    return this.bytes(stream).toString('utf8');
  }

  #keep(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    const room = this.#maxBytes - this.#keptBytes[stream];
    if (bytes.length > room) this.#truncated = true;
    if (room <= 0) return;
    // A copy: the chunk is a view of a larger buffer that would stay in memory with it.
    this.#chunks.push({ stream, bytes: Buffer.from(bytes.subarray(0, room)) });
    this.#keptBytes[stream] += Math.min(bytes.length, room);
  }
}
