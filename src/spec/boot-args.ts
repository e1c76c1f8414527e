/** Boot arguments where none are given. Every word of them is for the machine, which has its own (decision 10). */
export const DEFAULT_BOOT_ARGS = 'console=ttyS0 reboot=k panic=1 pci=off';

/**
 * Boot arguments for images that start an SSH server from their own `/init`.
 *
 * @example
 * ```ts
 * const image = new BootImage({ name: 'ssh', rootfsPath: './root.ext4', bootArgs: SSH_BOOT_ARGS, sshCapable: true });
 * ```
 */
export const SSH_BOOT_ARGS = 'console=ttyS0 reboot=k panic=1 pci=off root=/dev/vda rw init=/init';

/** The longest text of boot arguments. */
export const MAX_BOOT_ARGS_BYTES = 2_000;

/** The words that are appended, at most: the kernel takes 2,047 bytes in all, and cuts off the rest without a word. */
const MAX_ADDED_BYTES = 1_400;

/** Text that can be boot arguments: no control characters, so that a space is the only thing between words. */
export const BOOT_ARGS_PATTERN = /^[^\u0000-\u001f\u007f]*$/;

/** Words that would take the root disk, or what the agent is told, away from us. */
export const RESERVED_BOOT_ARGS = /(?:^|[ "])(?:root=(?!\/dev\/vda(?: |$))|smolvm\.)/;

/** Words that are accepted and do nothing: those of the default, and those that say what is so anyway. */
const IGNORED = new Set([...DEFAULT_BOOT_ARGS.split(' '), 'root=/dev/vda', 'init=/init']);

/** What the user's boot arguments add to the kernel's command line. */
export function addedBootWords(bootArgs: string): readonly string[] {
  return wordsOf(bootArgs).filter((word) => !IGNORED.has(word));
}

/** What is wrong with boot arguments, or undefined. Pure. */
export function bootArgsProblem(bootArgs: string): string | undefined {
  if (Buffer.byteLength(bootArgs) > MAX_BOOT_ARGS_BYTES)
    return `expected boot arguments of at most ${String(MAX_BOOT_ARGS_BYTES)} bytes`;
  if (RESERVED_BOOT_ARGS.test(bootArgs))
    return 'expected boot arguments without root= (the root disk is rootfsPath) and smolvm. (for the agent)';
  if (Buffer.byteLength(addedBootWords(bootArgs).join(' ')) > MAX_ADDED_BYTES)
    return `expected at most ${String(MAX_ADDED_BYTES)} bytes of boot arguments besides those that are ignored`;
  return textProblem(bootArgs);
}

/** What is wrong with the command line that a direct boot describes, or undefined. Pure. */
export function directTextProblem(commandLine: string): string | undefined {
  if (Buffer.byteLength(commandLine) > MAX_ADDED_BYTES)
    return `expected at most ${String(MAX_ADDED_BYTES)} bytes of kernel arguments`;
  return textProblem(commandLine);
}

function textProblem(text: string): string | undefined {
  if (!BOOT_ARGS_PATTERN.test(text)) return 'expected boot arguments without control characters';
  return text.split('"').length % 2 === 0 ? 'expected boot arguments with paired quotes' : undefined;
}

/**
 * A command line with these words, each only where there is none of its name yet (`ip=a` where there is an `ip=`). What
 * stands after `--` is for the first process: the words come before it. Pure.
 */
export function withMissingWords(commandLine: string, words: readonly string[]): string {
  const [ours, theirs] = splitAtInit(commandLine);
  const names = new Set(ours.map(nameOf));
  return [...ours, ...words.filter((word) => !names.has(nameOf(word))), ...theirs].join(' ');
}

/** The words for the kernel, and those for the first process, which begin with `--`. */
export function splitAtInit(commandLine: string): readonly [readonly string[], readonly string[]] {
  const words = wordsOf(commandLine);
  const at = words.indexOf('--');
  return at < 0 ? [words, []] : [words.slice(0, at), words.slice(at)];
}

/** `name` of `name=value`. */
function nameOf(word: string): string {
  return word.replace(/=[^]*$/, '');
}

/** Split at spaces outside of double quotes, as the kernel does. */
function wordsOf(bootArgs: string): readonly string[] {
  return bootArgs.match(/(?:[^ "]|"[^"]*")+/g) ?? [];
}
