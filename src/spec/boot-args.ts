/** Boot arguments where none are given. Every word of them is for the machine, which has its own (decision 10). */
export const DEFAULT_BOOT_ARGS = 'console=ttyS0 reboot=k panic=1 pci=off';

/** The longest text of boot arguments. */
export const MAX_BOOT_ARGS_BYTES = 2_000;

/** The words that are appended, at most: the kernel takes 2,047 bytes in all, and cuts off the rest without a word. */
const MAX_ADDED_BYTES = 1_400;

/** Text that can be boot arguments: no control characters, so that a space is the only thing between words. */
export const BOOT_ARGS_PATTERN = /^[^\u0000-\u001f\u007f]*$/;

/** Words that would take the root disk, or what the agent is told, away from us. */
export const RESERVED_BOOT_ARGS = /(?:^|[ "])(?:root=|smolvm\.)/;

/** Words that are accepted and do nothing: those of the default, and the one that names the agent's place. */
const IGNORED = new Set([...DEFAULT_BOOT_ARGS.split(' '), 'init=/init']);

/** What the user's boot arguments add to the kernel's command line. */
export function addedBootWords(bootArgs: string): readonly string[] {
  return wordsOf(bootArgs).filter((word) => !IGNORED.has(word));
}

/** What is wrong with boot arguments, or undefined. Pure. */
export function bootArgsProblem(bootArgs: string): string | undefined {
  if (!BOOT_ARGS_PATTERN.test(bootArgs)) return 'expected boot arguments without control characters';
  if (Buffer.byteLength(bootArgs) > MAX_BOOT_ARGS_BYTES)
    return `expected boot arguments of at most ${String(MAX_BOOT_ARGS_BYTES)} bytes`;
  if (RESERVED_BOOT_ARGS.test(bootArgs))
    return 'expected boot arguments without root= (the root disk is rootfsPath) and smolvm. (for the agent)';
  if (bootArgs.split('"').length % 2 === 0) return 'expected boot arguments with paired quotes';
  if (Buffer.byteLength(addedBootWords(bootArgs).join(' ')) > MAX_ADDED_BYTES)
    return `expected at most ${String(MAX_ADDED_BYTES)} bytes of boot arguments besides those that are ignored`;
  return undefined;
}

/** Split at spaces outside of double quotes, as the kernel does. */
function wordsOf(bootArgs: string): readonly string[] {
  return bootArgs.match(/(?:[^ "]|"[^"]*")+/g) ?? [];
}
