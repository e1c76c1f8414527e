/** One step of an operation and how long it took. */
export interface TimedStep {
  readonly name: string;
  readonly durationMs: number;
}

/** Splits the time of an operation into consecutive named steps, with nothing between them. */
export class Stopwatch {
  readonly #startedAt = performance.now();
  readonly #steps: TimedStep[] = [];
  #lastMark = this.#startedAt;

  /** Ends the current step and names it. */
  mark(name: string): void {
    const now = performance.now();
    this.#steps.push({ name, durationMs: now - this.#lastMark });
    this.#lastMark = now;
  }

  get steps(): readonly TimedStep[] {
    return [...this.#steps];
  }

  /** From the start to the last mark, in milliseconds. */
  get totalMs(): number {
    return this.#lastMark - this.#startedAt;
  }
}
