/** What is kept of a command's output: the first bytes of each stream, up to a bound. */
export class OutputBuffer {
  readonly #maxBytes: number;
  readonly #chunks: Readonly<Record<'stdout' | 'stderr', Buffer[]>> = { stdout: [], stderr: [] };
  readonly #keptBytes = { stdout: 0, stderr: 0 };
  #truncated = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Was anything left out? */
  get truncated(): boolean {
    return this.#truncated;
  }

  add(name: 'stdout' | 'stderr', chunk: Buffer): void {
    const room = this.#maxBytes - this.#keptBytes[name];
    if (chunk.length > room) this.#truncated = true;
    if (room <= 0) return;
    // A copy: the chunk is a view of a larger buffer that would stay in memory with it.
    this.#chunks[name].push(Buffer.from(chunk.subarray(0, room)));
    this.#keptBytes[name] += Math.min(chunk.length, room);
  }

  bytes(name: 'stdout' | 'stderr'): Buffer {
    return Buffer.concat(this.#chunks[name]);
  }

  text(name: 'stdout' | 'stderr'): string {
    return this.bytes(name).toString('utf8');
  }
}
