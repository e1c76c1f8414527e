import picocolors from 'picocolors';
import type { Env } from './parse-values.ts';

/** Functions that colour text, or leave it as it is. */
export type Style = ReturnType<typeof picocolors.createColors>;

/** Colours only on a terminal, and not if NO_COLOR has a value (no-color.org). */
export function styleFor(output: { readonly isTerminal: boolean }, env: Env): Style {
  const unwanted = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return picocolors.createColors(output.isTerminal && !unwanted);
}
