/** Words that no shell changes. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * The client with a command for the guest. SSH knows no arguments: it sends one text, which the login shell there splits;
 * so each word is quoted as that shell needs it.
 */
export function sshCommandLine(
  client: readonly [string, ...string[]],
  words: readonly string[],
): readonly [string, ...string[]] {
  if (words.length === 0) return client;
  return [...client, words.map((word) => (PLAIN.test(word) ? word : quoted(word))).join(' ')];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
