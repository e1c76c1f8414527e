import { describe, expect, test } from 'vitest';
import { parseDuration, parseEnv, parseGuestCommand, parseWholeNumber } from './parse-values.ts';
import { UsageError } from './usage-error.ts';

describe('parseDuration', () => {
  test.each([
    ['1500ms', 1_500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1.5s', 1_500],
    ['2', 2_000],
    ['0.5', 500],
    ['2147483647ms', 2_147_483_647],
  ])('%s is %d ms', (text, expected) => {
    expect(parseDuration('--timeout', text)).toBe(expected);
  });

  test.each([
    '',
    ' 5',
    '5 s',
    '-1',
    '+1',
    '1e3',
    '0',
    '0ms',
    '0.0001s',
    '5d',
    'abc',
    '1,5s',
    '.5',
    '2147483648ms',
    '9'.repeat(400),
  ])('%j is refused', (text) => {
    expect(() => parseDuration('--timeout', text)).toThrow(UsageError);
    expect(() => parseDuration('--timeout', text)).toThrow(/^--timeout: expected a duration/);
  });
});

describe('parseWholeNumber', () => {
  test('takes digits', () => {
    expect(parseWholeNumber('--vcpus', '4')).toBe(4);
  });

  test.each(['', '-1', '1.5', '0x10', '1e3', '4 ', '512M', 'NaN', '9007199254740992'])(
    '%j is refused',
    (text) => {
      expect(() => parseWholeNumber('--vcpus', text)).toThrow(
        `--vcpus: expected a whole number, received '${text}'`,
      );
    },
  );
});

describe('parseEnv', () => {
  test('takes values as they are, from us for a bare name, and the last of a name', () => {
    const ours = { HERE: 'ours', EMPTY: '' };
    const found = parseEnv(['A=1', 'B=x=y', 'C=', 'D=two\nlines', 'HERE', 'EMPTY', 'A=2'], ours);
    expect(found).toEqual({ A: '2', B: 'x=y', C: '', D: 'two\nlines', HERE: 'ours', EMPTY: '' });
  });

  test('a bare name that is not set here is refused, with what to do', () => {
    expect(() => parseEnv(['GONE'], {})).toThrow(
      expect.objectContaining({
        message: '-e: GONE is not set here',
        hint: 'Set it, or give its value: -e GONE=VALUE',
      }),
    );
  });

  test.each(['', '=x', '1A=x', 'A B', 'A-B=1', ' A=1'])('%j is refused', (text) => {
    expect(() => parseEnv([text], {})).toThrow(`-e: expected KEY=VALUE or KEY, received '${text}'`);
  });
});

describe('parseGuestCommand', () => {
  test('words stay words, also one with spaces', () => {
    expect(parseGuestCommand(['a b'], undefined)).toEqual(['a b']);
    expect(parseGuestCommand(['echo', '', '--x'], undefined)).toEqual(['echo', '', '--x']);
  });

  test('-c is a string for the shell', () => {
    expect(parseGuestCommand([], 'echo $HOME | wc')).toBe('echo $HOME | wc');
  });

  test.each([
    [[], undefined, 'no command to run was given'],
    [[''], undefined, 'the name of the program is empty'],
    [[], ' ', '-c: expected a command that is not blank'],
    [['ls'], 'ls', 'give a command or -c, not both'],
  ])('%j with -c %j is refused', (words, script, message) => {
    expect(() => parseGuestCommand(words, script)).toThrow(message);
  });
});
