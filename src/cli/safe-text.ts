import { escapeText } from '../index.ts';

/** Text of unknown origin in one line of a terminal: ids, paths, reasons. */
export function safeLine(text: string): string {
  return escapeText(text);
}

/** The same for text whose lines are wanted: messages with a log in them, the console. */
export function safeLines(text: string): string {
  return escapeText(text.replaceAll('\r\n', '\n'), { keepLines: true });
}
