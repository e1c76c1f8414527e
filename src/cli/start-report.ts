import type { StartTimings } from '../index.ts';
import type { CliContext } from './context.ts';
import { safeLine } from './safe-text.ts';
import { renderTable } from './table.ts';

/** What a person is told after a start: a note if it runs under emulation, and the timings if they were asked for. */
export function reportStart(context: CliContext, timings: StartTimings | undefined, wanted: boolean): void {
  if (timings === undefined) return;
  const { acceleration } = timings;
  if (acceleration.kind === 'emulated') {
    const reason = safeLine(acceleration.reason);
    context.say(
      `note: running under emulation (${reason}): slower, and no hardware boundary. See smolvm doctor.`,
    );
  }
  if (wanted && !context.json) void context.stderr.write(renderTimings(timings));
}

/** One line for each step, then the whole. */
export function renderTimings({ path, steps, totalMs, acceleration }: StartTimings): string {
  const rows = steps.map(({ name, durationMs }) => [name, milliseconds(durationMs)]);
  const total = ['total', `${milliseconds(totalMs)} (${path} start, ${acceleration.kind})`];
  return renderTable([...rows, total]);
}

function milliseconds(durationMs: number): string {
  return `${durationMs.toFixed(1).padStart(8)} ms`;
}
