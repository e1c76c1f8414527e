import { safeLine } from './safe-text.ts';

/** A cell: its text, and how to colour it. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** Rows → lines with aligned columns, every text escaped. The last column is not padded. */
export function renderTable(rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) => row.map(toSafeCell));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.text.length ?? 0)),
  );
  return cells.map((row) => `${renderRow(row, widths)}\n`).join('');
}

interface SafeCell {
  readonly text: string;
  readonly paint: (text: string) => string;
}

function toSafeCell(cell: Cell): SafeCell {
  if (typeof cell === 'string') return { text: safeLine(cell), paint: (text) => text };
  return { text: safeLine(cell.text), paint: cell.paint };
}

// Padded outside of the colour: its bytes have no width.
function renderRow(row: readonly SafeCell[], widths: readonly number[]): string {
  return row
    .map(({ text, paint }, column) => {
      const isLast = column === row.length - 1;
      return paint(text) + (isLast ? '' : ' '.repeat((widths[column] ?? 0) - text.length));
    })
    .join('  ');
}
