import type { Argument, Command, Option } from 'commander';

/** What may stand at a place of a command line. */
export type Kind =
  | { readonly kind: 'vm' }
  /** The name of an image that is here. */
  | { readonly kind: 'image' }
  /** A path in a VM or of this host. */
  | { readonly kind: 'place' }
  | { readonly kind: 'files' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** Nobody knows. */
  | { readonly kind: 'text' };

export interface CompletedOption {
  readonly short: string | undefined;
  readonly long: string | undefined;
  readonly description: string;
  /** Undefined: it takes none. */
  readonly value: Kind | undefined;
}

/** A command as completion needs it. */
export interface CompletedCommand {
  /** `env set`; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  readonly arguments: readonly (Kind & { readonly isLast: boolean })[];
  /** From so many arguments on a word is the guest's, also one that begins with a hyphen. */
  readonly guestWordsFrom: number;
}

/** The program and all commands that help shows, those in groups too. */
export function completedCommands(
  command: Command,
  path: readonly string[] = [],
): readonly CompletedCommand[] {
  const inner = command.createHelp().visibleCommands(command);
  const names = inner.map((one) => one.name());
  const own: CompletedCommand = {
    path: path.join(' '),
    subcommands: inner.map((one) => ({ name: one.name(), description: one.description() })),
    options: command.createHelp().visibleOptions(command).map(completedOption),
    arguments: command.registeredArguments.map((argument) => ({
      ...kindOfArgument(argument, command),
      isLast: argument.variadic,
    })),
    guestWordsFrom: guestWordsFrom(command),
  };
  const below = inner.flatMap((one) => completedCommands(one, [...path, one.name()]));
  return [own, ...below.map((one) => withCommandNames(one, path, names))];
}

/** The argument of `help` names a command beside it. */
function withCommandNames(
  command: CompletedCommand,
  path: readonly string[],
  names: readonly string[],
): CompletedCommand {
  if (command.path !== [...path, 'help'].join(' ')) return command;
  return { ...command, arguments: [{ kind: 'words', words: names, isLast: false }] };
}

function completedOption(option: Option): CompletedOption {
  const takesValue = option.required || option.optional;
  const name = /<(?<name>[a-z]+)>/.exec(option.flags)?.groups?.['name'] ?? '';
  const value = name === 'path' || name === 'file' ? 'files' : name === 'image' ? 'image' : 'text';
  return {
    short: option.short,
    long: option.long,
    description: option.description,
    value: takesValue ? { kind: value } : undefined,
  };
}

/** `name` and `names` are VMs everywhere, but that of `create` is a new one. */
function kindOfArgument(argument: Argument, command: Command): Kind {
  const name = argument.name();
  if (argument.argChoices !== undefined) return { kind: 'words', words: argument.argChoices };
  if (name === 'image' || name === 'images') return { kind: 'image' };
  if (name === 'path' || name === 'file') return { kind: 'files' };
  if (name === 'src' || name === 'dst') return { kind: 'place' };
  const isVm = (name === 'name' || name === 'names') && command.name() !== 'create';
  return { kind: isVm ? 'vm' : 'text' };
}

function guestWordsFrom(command: Command): number {
  const index = command.registeredArguments.findIndex((argument) => argument.name() === 'cmd');
  return index === -1 ? Infinity : index + 1;
}
