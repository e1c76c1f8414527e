import { inspect } from 'node:util';
import { failureOf, SeveralErrors } from './failure.ts';
import { safeLines } from './safe-text.ts';
import type { Style } from './style.ts';

/** Error → what a person reads on stderr: what failed, what to do next. */
export function renderError(error: unknown, style: Style): string {
  if (error instanceof SeveralErrors)
    return error.errors.map((one) => renderError(one.error, style)).join('');
  const { message, hint } = failureOf(error);
  const first = `${style.red('smolvm:')} ${safeLines(message)}\n`;
  return hint === null ? first : `${first}${style.cyan('hint:')} ${safeLines(hint)}\n`;
}

/** Where it came from: the stacks of the error and of its causes. */
export function renderStack(error: unknown): string {
  return `${safeLines(inspect(error))}\n`;
}
