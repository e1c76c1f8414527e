/** The longest line that a peer may send, in bytes. A console of 256 KiB in base64 fits. */
const MAX_LINE_BYTES = 1024 * 1024;

/** Bytes in any chunks → JSON values, one a line. Throws on a line that is too long or no JSON. */
export class JsonLines {
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): unknown[] {
    const values: unknown[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...this.#chunks, chunk.subarray(start, end)])
        .toString('utf8')
        .trim();
      this.#chunks = [];
      this.#size = 0;
      start = end + 1;
      if (line !== '') values.push(JSON.parse(line));
    }
    this.#size += chunk.length - start;
    if (this.#size > MAX_LINE_BYTES) throw new Error(`a line of more than ${String(MAX_LINE_BYTES)} bytes`);
    if (start < chunk.length) this.#chunks.push(chunk.subarray(start));
    return values;
  }
}

const NEWLINE = 0x0a;
