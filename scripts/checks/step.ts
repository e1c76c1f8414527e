/** How many single checks or tests of a step ended how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Where the counts of a step come from. */
export type ReportKind = 'exit-code' | 'vitest' | 'go';

export interface Step {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly report: ReportKind;
  /** Folder to run in, relative to the repository. */
  readonly folder?: string;
  /** File the command writes its report to; without one the report is its output. */
  readonly reportFile?: string;
  /** Says why the step cannot run on this machine, if so. */
  readonly blocker?: () => string | undefined;
}

export interface StepResult {
  readonly name: string;
  readonly counts: Counts;
  readonly seconds: number;
  /** Why the step did not run. */
  readonly blockedBy?: string;
  /** All that the command printed. */
  readonly output: string;
}
