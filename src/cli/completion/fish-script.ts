import type { CompletedCommand, CompletedOption, Kind } from './model.ts';

const IDS = '(smolvm __complete 2>/dev/null)';
const IMAGES = '(smolvm __complete images 2>/dev/null)';
const PLACES = '(smolvm __complete 2>/dev/null | string replace -r \\$ :)';

/** The script for fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  return `# fish completion of smolvm. Made by: smolvm completion fish
# Is this the command, and one of these the number of its arguments so far?
function __smolvm_in
    set -l words (commandline -opc)
    set -e words[1]
    set -l command ''
    set -l position 0
    set -l is_value 0
    for word in $words
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch "$position|$command|$word"
${commands.flatMap(valueCases).join('\n')}
            case '*|*|-*'
${commands.flatMap(subcommandCases).join('\n')}
            case '*'
                set position (math $position + 1)
        end
    end
    test "$command" = "$argv[1]"; and begin
        test (count $argv) = 1; or contains -- $position $argv[2..-1]
    end
end
complete -c smolvm -f
${commands.flatMap(completions).join('\n')}
`;
}

function valueCases({ path, options }: CompletedCommand): readonly string[] {
  const flags = options.flatMap(({ short, long, value }) => (value === undefined ? [] : [short, long]));
  const patterns = flags.filter((flag) => flag !== undefined).map((flag) => quote(`*|${path}|${flag}`));
  return patterns.length === 0
    ? []
    : [`            case ${patterns.join(' ')}\n                set is_value 1`];
}

function subcommandCases({ path, subcommands }: CompletedCommand): readonly string[] {
  return subcommands.map(({ name }) => {
    const inner = path === '' ? name : `${path} ${name}`;
    return `            case ${quote(`0|${path}|${name}`)}\n                set command ${quote(inner)}`;
  });
}

function completions(command: CompletedCommand): readonly string[] {
  const { path, subcommands, options, guestWordsFrom } = command;
  const anywhere = when(
    path,
    guestWordsFrom === Infinity ? undefined : Array.from({ length: guestWordsFrom }, (_, at) => at),
  );
  return [
    ...subcommands.map(
      ({ name, description }) => `${when(path, [0])} -a ${quote(name)} -d ${quote(description)}`,
    ),
    ...options.map((option) => `${anywhere}${flagsOf(option)} -d ${quote(option.description)}`),
    ...command.arguments.flatMap((argument, index) => {
      const code = codeOf(argument);
      return code === undefined ? [] : [`${when(path, argument.isLast ? undefined : [index])}${code}`];
    }),
  ];
}

function when(path: string, positions: readonly number[] | undefined): string {
  const words = ['__smolvm_in', `"${path}"`, ...(positions ?? []).map(String)];
  return `complete -c smolvm -n ${quote(words.join(' '))}`;
}

function flagsOf({ short, long, value }: CompletedOption): string {
  const names = [
    short === undefined ? '' : ` -s ${short.slice(1)}`,
    long === undefined ? '' : ` -l ${long.slice(2)}`,
  ];
  if (value === undefined) return names.join('');
  if (value.kind === 'image') return `${names.join('')} -x -a ${quote(IMAGES)}`;
  return `${names.join('')}${value.kind === 'files' ? ' -r -F' : ' -x'}`;
}

function codeOf(argument: Kind): string | undefined {
  switch (argument.kind) {
    case 'vm':
      return ` -a ${quote(IDS)}`;
    case 'image':
      return ` -a ${quote(IMAGES)}`;
    case 'place':
      return ` -F -a ${quote(PLACES)}`;
    case 'files':
      return ' -F';
    case 'words':
      return ` -a ${quote(argument.words.join(' '))}`;
    case 'text':
      return undefined;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
