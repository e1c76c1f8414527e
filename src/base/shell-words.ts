/** Words that no shell changes. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Words → text that a POSIX shell splits into the same words again. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
