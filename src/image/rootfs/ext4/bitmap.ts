/** Which blocks or inodes of a group are taken: a bit each, set for taken. */
export class Bitmap {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  has(index: number): boolean {
    return ((this.bytes[index >> 3] ?? 0xff) & (1 << (index & 7))) !== 0;
  }

  set(from: number, count: number): void {
    for (let index = from; index < from + count; index += 1)
      this.bytes[index >> 3] = (this.bytes[index >> 3] ?? 0) | (1 << (index & 7));
  }

  clear(from: number, count: number): void {
    for (let index = from; index < from + count; index += 1)
      this.bytes[index >> 3] = (this.bytes[index >> 3] ?? 0) & ~(1 << (index & 7));
  }

  /** The first free one of `from` … `end` - 1, or `end`. */
  firstFree(from: number, end: number): number {
    let index = from;
    while (index < end && this.has(index)) {
      // Whole bytes of taken ones are the rule at a group's begin.
      index += (index & 7) === 0 && this.bytes[index >> 3] === 0xff ? 8 : 1;
    }
    return Math.min(index, end);
  }

  /** How many free ones follow each other from `from`, at most up to `end`. */
  freeRun(from: number, end: number): number {
    let index = from;
    while (index < end && !this.has(index)) index += 1;
    return index - from;
  }

  /** How many of the first `end` are taken. */
  count(end: number): number {
    let count = 0;
    for (let index = 0; index < end; index += 1) count += this.has(index) ? 1 : 0;
    return count;
  }
}
