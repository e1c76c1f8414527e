/** One undo step that could not be carried out. */
export interface CleanupFailure {
  readonly what: string;
  readonly error: unknown;
}

/**
 * Undo steps, pushed as things are made and run last-in-first-out unless {@link Cleanup.keep} is called.
 * Running them reports failures and never throws, so the first error of an operation is the one its caller sees.
 *
 * @example
 * ```ts
 * const undo = new Cleanup();
 * try {
 *   await mkdir(folder);
 *   undo.defer(`remove ${folder}`, () => rm(folder, { recursive: true }));
 *   undo.keep();
 * } catch (error) {
 *   await undo.run();
 *   throw error;
 * }
 * ```
 */
export class Cleanup {
  #steps: { readonly what: string; readonly undo: () => void | Promise<void> }[] = [];

  /** Adds an undo step. `what` completes the sentence "could not …". */
  defer(what: string, undo: () => void | Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  /** Forgets all steps: what was made stays. */
  keep(): void {
    this.#steps = [];
  }

  /** Runs and forgets all steps, last first; returns those that failed. */
  async run(): Promise<readonly CleanupFailure[]> {
    const failures: CleanupFailure[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        failures.push({ what: step.what, error });
      }
    }
    return failures;
  }
}
