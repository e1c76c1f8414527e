import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText } from './escape-text.ts';

const DANGEROUS = /\p{Cc}|\p{Zl}|\p{Zp}|\p{Bidi_Control}|\p{Surrogate}|\ufeff/u;

/** Text of any code units, rich in those that are dangerous. */
const nasty = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.integer({ min: 0, max: 0xa0 }).map((unit) => String.fromCharCode(unit)),
      fc.integer({ min: 0x2000, max: 0x206f }).map((unit) => String.fromCharCode(unit)),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u061c', '\ufeff', '\ud83d', '\ude00', '\x1b[31m', '\u202e', '\r'),
    ),
  )
  .map((parts) => parts.join(''));

describe('escapeText', () => {
  it('lets no control, separator, bidi or broken character through', () => {
    fc.assert(
      fc.property(nasty, (text) => !DANGEROUS.test(escapeText(text))),
      { numRuns: 2_000 },
    );
  });

  it('lets only tabs and newlines through where lines are kept', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const escaped = escapeText(text, { keepLines: true });
        expect(DANGEROUS.test(escaped.replaceAll(/[\n\t]/g, ''))).toBe(false);
        expect(escaped.split('\n').length).toBe(text.split('\n').length);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['\x1b[2J', '\\x1b[2J'],
    ['a\r\nb\t', 'a\\x0d\\x0ab\\x09'],
    ['\x7f\x9b', '\\x7f\\x9b'],
    ['\u202etxt.exe', '\\u202etxt.exe'],
    ['\ud800x', '\\ud800x'],
    ['\ufeff', '\\ufeff'],
  ])('makes %j visible as %j', (text, shown) => {
    expect(escapeText(text)).toBe(shown);
  });

  it('leaves ordinary text of all languages and emoji as it is', () => {
    for (const text of ['plain \\ text', 'Grüße, Ελλάδα, 日本語, עברית', '😀👩']) {
      expect(escapeText(text)).toBe(text);
    }
  });
});
