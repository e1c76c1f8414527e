import { addCounts, goText, noCounts } from './counts.ts';
import type { Counts, Step, StepResult } from './step.ts';

/** One line for one step; the output below it when the step failed. */
export function stepText(step: Step, result: StepResult): string {
  const failed = result.counts.failed > 0;
  const verdict = failed ? 'FAILED' : result.blockedBy === undefined ? 'ok' : 'skipped';
  const note = result.blockedBy ?? (step.report === 'exit-code' ? '' : countsText(result.counts));
  const seconds = `${result.seconds.toFixed(1)} s`;
  const line = `${result.name.padEnd(10)} ${verdict.padEnd(8)} ${seconds.padStart(7)}  ${note}`.trimEnd();
  if (!failed || result.output === '') return line;
  const output = step.report === 'go' ? goText(result.output) : result.output;
  return `${line}\n${output.trimEnd()}\n`;
}

export function sumOf(results: readonly StepResult[]): Counts {
  return results.map((result) => result.counts).reduce(addCounts, noCounts);
}

/** The plain line that programs read. */
export function countsText({ passed, failed, skipped }: Counts): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}
