import type { CompletedCommand, Kind } from './model.ts';

/** Prints the ids of VMs. */
const IDS = 'smolvm __complete 2>/dev/null';
/** Prints the names of images. */
const IMAGES = 'smolvm __complete images 2>/dev/null';

/**
 * What bash and zsh share: a function that is given the words after `smolvm`, the last of them not finished, and prints
 * what may stand there, a line each: a word, perhaps a tab and a description; `:files` for files of this host.
 */
export function wordsFunction(commands: readonly CompletedCommand[]): string {
  return `__smolvm_words() {
  local command='' position=0 value='' word
  while [ "$#" -gt 1 ]; do
    word=$1
    shift
    if [ -n "$value" ]; then value=''; continue; fi
    case "$position|$command|$word" in
${commands.flatMap(valueCases).join('\n')}
      *'|-'*) ;;
${commands.flatMap(subcommandCases).join('\n')}
      *) position=$((position + 1)) ;;
    esac
  done
  if [ "$value" = files ]; then echo ':files'; fi
  if [ "$value" = image ]; then ${IMAGES}; fi
  if [ -n "$value" ]; then return 0; fi
  case "$command|$position|$1" in
${commands.flatMap(optionCases).join('\n')}
    *'|-'*) ;;
${commands.flatMap(argumentCases).join('\n')}
  esac
}
`;
}

/** Options whose next word is their value. */
function valueCases({ path, options }: CompletedCommand): readonly string[] {
  return options.flatMap(({ short, long, value }) => {
    const flags = [short, long].filter((flag) => flag !== undefined);
    const patterns = flags.map((flag) => `*${quote(`|${path}|${flag}`)}`).join(' | ');
    return value === undefined ? [] : [`      ${patterns}) value=${value.kind} ;;`];
  });
}

function subcommandCases({ path, subcommands }: CompletedCommand): readonly string[] {
  return subcommands.map(({ name }) => {
    const inner = path === '' ? name : `${path} ${name}`;
    return `      ${quote(`0|${path}|${name}`)}) command=${quote(inner)} ;;`;
  });
}

function optionCases({ path, options, guestWordsFrom }: CompletedCommand): readonly string[] {
  if (options.length === 0) return [];
  const isBounded = guestWordsFrom !== Infinity;
  const positions = isBounded ? Array.from({ length: guestWordsFrom }, (_, at) => at) : undefined;
  const words = options.flatMap(({ short, long, description }) =>
    [long, short].flatMap((flag) => (flag === undefined ? [] : [[flag, description] as const])),
  );
  return [`    ${patternOf(path, positions, '-')}) ${print(words)} ;;`];
}

function argumentCases(command: CompletedCommand): readonly string[] {
  const { path, subcommands } = command;
  const words = subcommands.map(({ name, description }) => [name, description] as const);
  const inner = words.length === 0 ? [] : [`    ${patternOf(path, [0], '')}) ${print(words)} ;;`];
  const own = command.arguments.flatMap((argument, index) => {
    const code = codeOf(argument);
    return code === undefined
      ? []
      : [`    ${patternOf(path, argument.isLast ? undefined : [index], '')}) ${code} ;;`];
  });
  return [...inner, ...own];
}

/** `COMMAND|POSITION|WORD`, at one of the positions or at any, for words that begin so. */
function patternOf(path: string, positions: readonly number[] | undefined, begin: string): string {
  if (positions === undefined) return `${quote(`${path}|`)}*${quote(`|${begin}`)}*`;
  return positions.map((position) => `${quote(`${path}|${position}|${begin}`)}*`).join(' | ');
}

function codeOf(argument: Kind): string | undefined {
  switch (argument.kind) {
    case 'vm':
      return IDS;
    case 'image':
      return IMAGES;
    case 'place':
      return `${IDS} | sed 's/$/:/'; echo ':files'`;
    case 'files':
      return `echo ':files'`;
    case 'words':
      return print(argument.words.map((word) => [word, ''] as const));
    case 'text':
      return undefined;
  }
}

function print(words: readonly (readonly [word: string, description: string])[]): string {
  return `printf '%s\\t%s\\n' ${words.map((pair) => pair.map(quote).join(' ')).join(' ')}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
