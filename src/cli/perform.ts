import type { CliContext, Outcome } from './context.ts';
import { failureLine, successLine } from './envelope.ts';
import { exitCodeOf } from './exit-code.ts';
import { failureOf } from './failure.ts';
import type { Interruptions } from './interruption.ts';
import type { LocalTerminal } from './local-terminal.ts';
import type { Output } from './output.ts';
import type { Invocation } from './parse-argv.ts';
import type { Env } from './parse-values.ts';
import { renderError, renderStack } from './render-failure.ts';
import { styleFor } from './style.ts';

/** The process around us. */
export interface Surroundings {
  readonly env: Env;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly terminal: LocalTerminal;
  readonly interruptions: Interruptions;
}

/** Carries out a command line and tells how it went; returns the exit code. */
export async function perform(
  invocation: Invocation & { readonly kind: 'act' },
  around: Surroundings,
): Promise<number> {
  const { command, json, act } = invocation;
  const { stdout, interruptions } = around;
  try {
    const outcome = await act(contextOf(json, around));
    await stdout.write(json ? successLine(command, outcome.data) : (outcome.text ?? ''));
    await stdout.flush();
    return exitCodeAfter(interruptions, outcome);
  } catch (error) {
    return report(invocation, error, around);
  }
}

/** The one error funnel: an error of any kind → one envelope, or lines on stderr; returns the exit code. */
export async function report(
  { command, json }: { readonly command: string | null; readonly json: boolean },
  thrown: unknown,
  { stdout, stderr, env, interruptions }: Surroundings,
): Promise<number> {
  const { first } = interruptions;
  // An abort tells only that we were interrupted; a signal or a broken pipe needs no words, a full disk does.
  const isOurAbort = first !== undefined && failureOf(thrown).code === 'ABORTED';
  const error = isOurAbort ? (first.error ?? thrown) : thrown;
  const isQuiet = isOurAbort && first.error === null;
  const failure = failureOf(error);
  if (json) await stdout.write(failureLine(command, failure));
  else if (!isQuiet) await stderr.write(renderError(error, styleFor(stderr, env)));
  if (env['SMOLVM_DEBUG'] === '1') await stderr.write(renderStack(error));
  return first?.exitCode ?? exitCodeOf(command, error, failure);
}

/** A command that finished although something came in between: its output may be lost. */
function exitCodeAfter({ first }: Interruptions, outcome: Outcome): number {
  if (first === undefined) return outcome.exitCode ?? 0;
  if (first.exitCode !== null) return first.exitCode;
  throw first.error ?? new Error('interrupted');
}

function contextOf(json: boolean, around: Surroundings): CliContext {
  const { env, stdin, stdout, stderr, terminal, interruptions } = around;
  const say = (line: string): void => {
    if (!json && stderr.isTerminal) void stderr.write(`${line}\n`);
  };
  const { signal } = interruptions;
  return { json, signal, stdin, stdout, stderr, terminal, style: styleFor(stdout, env), say };
}
