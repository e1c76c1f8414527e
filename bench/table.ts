import type { Sample } from './statistics.ts';

/** One comparison. `limit` is the ratio of medians that must hold. */
export interface Row {
  readonly name: string;
  readonly ours: Sample;
  readonly floor: Sample;
  readonly limit: number | undefined;
}

/** Rows → a plain table of medians (and minima) in milliseconds. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, ours, floor, limit }) => [
    name,
    shown(ours),
    shown(floor),
    (ours.median / floor.median).toFixed(2),
    (ours.minimum / floor.minimum).toFixed(2),
    limit === undefined ? '' : `<= ${limit.toFixed(2)}`,
  ]);
  const lines = [['median (min) in ms', 'smolvm', 'floor', 'ratio', 'of minima', 'must be'], ...cells];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shown({ median, minimum }: Sample): string {
  return `${median.toFixed(median < 100 ? 2 : 0)} (${minimum.toFixed(minimum < 100 ? 2 : 0)})`;
}
