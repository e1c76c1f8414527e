import { CommanderError, type Command } from 'commander';
import type { Action } from './context.ts';
import type { Env } from './parse-values.ts';
import { buildProgram } from './program.ts';
import { UsageError } from './usage-error.ts';

/** What a command line asks for. `command` is null if none was recognized. */
export type Invocation =
  | { readonly kind: 'act'; readonly command: string; readonly json: boolean; readonly act: Action }
  | {
      readonly kind: 'show';
      readonly command: 'help' | 'version';
      readonly json: boolean;
      readonly text: string;
    }
  | {
      readonly kind: 'refuse';
      readonly command: string | null;
      readonly json: boolean;
      readonly error: unknown;
    };

/** What parsing has come across so far. */
class Parsed {
  act: Action | undefined;
  command: string | null = null;
  json = false;
  shown = '';
}

/** Arguments → what to do. Does nothing itself. */
export function parseArgv(argv: readonly string[], env: Env): Invocation {
  const parsed = new Parsed();
  try {
    programFor(parsed, env).parse(argv.length === 0 ? ['help'] : argv, { from: 'user' });
    const { act, command, json } = parsed;
    if (act !== undefined && command !== null) return { kind: 'act', command, json, act };
    throw new Error('no command was chosen');
  } catch (error) {
    const { command, json, shown } = parsed;
    if (!(error instanceof CommanderError)) return { kind: 'refuse', command, json, error };
    // Parsing ended early: a --json further on was not reached.
    const wanted = json || beforeDashes(argv).includes('--json');
    if (error.exitCode === 0)
      return { kind: 'show', command: shownCommand(error), json: wanted, text: shown };
    return { kind: 'refuse', command, json: wanted, error: usageErrorOf(error, command) };
  }
}

function programFor(parsed: Parsed, env: Env): Command {
  const program = buildProgram({
    env,
    choose: (act) => void (parsed.act = act),
    onJson: () => void (parsed.json = true),
  });
  watch(program, [], parsed);
  return program;
}

/** Notes which command was recognized, `env set` for one in a group, and takes what would be printed. */
function watch(command: Command, path: readonly string[], parsed: Parsed): void {
  command.configureOutput({
    writeOut: (text) => void (parsed.shown += text),
    writeErr: () => undefined,
    getOutHasColors: () => false,
  });
  command.hook('preSubcommand', (_, inner) => void (parsed.command = [...path, inner.name()].join(' ')));
  for (const inner of command.commands) watch(inner, [...path, inner.name()], parsed);
}

function shownCommand(error: CommanderError): 'help' | 'version' {
  return error.code === 'commander.version' ? 'version' : 'help';
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end === -1 ? argv : argv.slice(0, end);
}

/** Commander's sentence: `error: unknown option '--x'`, then perhaps `(Did you mean --y?)` on its own line. */
function usageErrorOf(error: CommanderError, command: string | null): UsageError {
  const help = `See: smolvm ${command === null ? '' : `${command} `}--help`;
  if (error.code === 'commander.help') return new UsageError('no such command, or none given', help);
  const groups = /^(?:error: )?(?<message>[^]*?)(?:\n\((?<suggestion>[^\n]*)\))?$/.exec(
    error.message,
  )?.groups;
  const suggestion = groups?.['suggestion'];
  return new UsageError(
    groups?.['message'] ?? error.message,
    suggestion === undefined ? help : `${suggestion} ${help}`,
  );
}
