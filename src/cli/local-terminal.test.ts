import { EventEmitter } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { LocalTerminal } from './local-terminal.ts';

class FakeOutput extends EventEmitter {
  isTTY: boolean | undefined = true;
  rows: number | undefined = 30;
  columns: number | undefined = 100;
}

function make({ inputIsTerminal = true } = {}) {
  const output = new FakeOutput();
  const input = { isTTY: inputIsTerminal, setRawMode: vi.fn() };
  return { output, input, terminal: new LocalTerminal(() => input, output) };
}

describe('a local terminal', () => {
  test('is there if stdin and stdout are one', () => {
    expect(make().terminal.isThere).toBe(true);
    expect(make({ inputIsTerminal: false }).terminal.isThere).toBe(false);
    const { output, terminal } = make();
    output.isTTY = undefined;
    expect(terminal.isThere).toBe(false);
  });

  test.each([
    [30, 100, { rows: 30, columns: 100 }],
    [0, 0, { rows: 24, columns: 80 }],
    [30, undefined, { rows: 24, columns: 80 }],
    [30, 70_000, { rows: 24, columns: 80 }],
  ])('of %s rows and %s columns', (rows, columns, expected) => {
    const { output, terminal } = make();
    Object.assign(output, { rows, columns });
    expect(terminal.size).toEqual(expected);
  });

  test('tells of a new size until that is stopped', () => {
    const { output, terminal } = make();
    const listener = vi.fn();
    const stop = terminal.onResize(listener);
    output.emit('resize');
    stop();
    output.emit('resize');
    expect(listener).toHaveBeenCalledOnce();
  });
});
