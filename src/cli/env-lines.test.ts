import { describe, expect, test } from 'vitest';
import { parseVariableLines, parseVariables } from './env-lines.ts';
import { UsageError } from './usage-error.ts';

describe('parseVariables', () => {
  test('takes values as they are, and the last of a name', () => {
    expect(parseVariables(['A=1', 'B=x=y', 'C=', 'D=two\nlines', `E='q' "q"`, 'A=2'])).toEqual({
      A: '2',
      B: 'x=y',
      C: '',
      D: 'two\nlines',
      E: `'q' "q"`,
    });
  });

  test.each(['secret', '=secret', '1A=secret', 'A B=secret', 'A-B=secret'])(
    '%j is refused, and not shown',
    (text) => {
      const parse = () => parseVariables(['A=1', text]);
      expect(parse).toThrow(UsageError);
      expect(parse).toThrow(/^argument 2 is not NAME=VALUE$/);
    },
  );
});

describe('parseVariableLines', () => {
  test('skips blank lines and comments', () => {
    expect(parseVariableLines('# all\n\nA= 1 \r\n  \nB=#no comment\n')).toEqual({
      A: ' 1 ',
      B: '#no comment',
    });
    expect(parseVariableLines('')).toEqual({});
  });

  test('names the line that is wrong, not what is in it', () => {
    expect(() => parseVariableLines('# one\nA=1\nexport B=secret\n')).toThrow(/^line 3 is not NAME=VALUE$/);
  });
});
