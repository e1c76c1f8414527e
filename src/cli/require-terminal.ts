import type { CliContext } from './context.ts';
import { UsageError } from './usage-error.ts';

/** Refuses before anything is done what needs a person in front of it. */
export function requireTerminal({ json, terminal }: CliContext): void {
  if (json) throw new UsageError('a terminal cannot be put into an envelope', 'Leave out --json, or -t.');
  if (!terminal.isThere)
    throw new UsageError(
      'stdin and stdout are not a terminal',
      'For input from a file or pipe use exec -i without -t.',
    );
}
