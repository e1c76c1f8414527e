import { describe, expect, test } from 'vitest';
import { failureLine, successLine } from './envelope.ts';
import { renderError } from './render-failure.ts';
import { styleFor } from './style.ts';
import { renderTable } from './table.ts';
import { safeLines } from './safe-text.ts';

/** What a guest or a file name may hold to take over a terminal. */
const HOSTILE = {
  'clear screen': '\x1b[2J\x1b[H',
  'colour without end': '\x1b[31m',
  title: '\x1b]0;owned\x07',
  'clipboard (OSC 52)': '\x1b]52;c;cm0gLXJmIC8=\x07',
  'link (OSC 8)': '\x1b]8;;http://evil/\x1b\\text\x1b]8;;\x1b\\',
  'device control': '\x1bP+q544e\x1b\\',
  answerback: '\x05',
  'C1 CSI': '\u009b31m',
  'C1 OSC': '\u009d52;c;eA==\u009c',
  'carriage return': 'good\rbad',
  backspace: 'good\b\b\b\bbad',
  delete: '\x7f',
  NUL: 'a\0b',
  bell: '\x07',
  'right-to-left override': '\u202egpj.exe',
  isolates: '\u2066a\u2069',
  'zero width': 'a\u200bb\ufeff',
  'line separator': 'a\u2028b\u2029c',
  'lone surrogate': 'a\ud800b',
};

// These must not get out.
const ACTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/u;
const plain = styleFor({ isTerminal: false }, {});

describe.each(Object.entries(HOSTILE))('%s', (_, text) => {
  test('does nothing in a table and stays one cell', () => {
    const table = renderTable([
      ['NAME', 'X'],
      [text, 'x'],
      [`a\n${text}`, 'y'],
    ]);
    expect(table).not.toMatch(ACTIVE);
    expect(table.split('\n')).toHaveLength(4);
  });

  test('does nothing in an error, its hint and its name', () => {
    expect(renderError(Object.assign(new Error(text), { name: text }), plain)).not.toMatch(ACTIVE);
  });

  test('does nothing in a console', () => {
    expect(safeLines(`boot\r\n${text}\r\n`)).not.toMatch(ACTIVE);
  });

  test('is one line of JSON, with the same value', () => {
    const line = successLine('run', { stdout: text });
    expect(line.slice(0, -1)).not.toMatch(ACTIVE);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({ ok: true, command: 'run', data: { stdout: text } });
    const failure = { code: 'X', message: text, hint: text, details: { text } };
    expect(JSON.parse(failureLine('run', failure))).toEqual({ ok: false, command: 'run', error: failure });
  });
});

test('tag characters beyond the basic plane keep their value in JSON', () => {
  const line = successLine('run', { text: '\u{e0041}😀é' });
  expect(line).toContain('\\udb40\\udc41😀é');
  expect(JSON.parse(line)).toMatchObject({ data: { text: '\u{e0041}😀é' } });
});
