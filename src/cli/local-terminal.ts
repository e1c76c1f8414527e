import { spawnSync } from 'node:child_process';
import type { TerminalSize } from '../index.ts';

/** What is needed of `process.stdin`. */
export interface TerminalInput {
  readonly isTTY?: boolean | undefined;
  setRawMode(isRaw: boolean): unknown;
}

/** What is needed of `process.stdout`. */
export interface TerminalOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const DEFAULT_SIZE = { rows: 24, columns: 80 };
const MAX_SIDE = 65_535;

/** The terminal in front of the person, if stdin and stdout are one. */
export class LocalTerminal {
  readonly #input: () => TerminalInput;
  readonly #output: TerminalOutput;

  /** @param input - a function, because whoever only asks for stdin keeps the process alive */
  constructor(input: () => TerminalInput, output: TerminalOutput) {
    this.#input = input;
    this.#output = output;
  }

  get isThere(): boolean {
    return this.#output.isTTY === true && this.#input().isTTY === true;
  }

  /** A terminal that tells no size, as a serial line, gets the usual one. */
  get size(): TerminalSize {
    const { rows, columns } = this.#output;
    return isSide(rows) && isSide(columns) ? { rows, columns } : DEFAULT_SIZE;
  }

  /** Calls the listener when the size changes; returns how to stop that. */
  onResize(listener: () => void): () => void {
    this.#output.on('resize', listener);
    return () => void this.#output.off('resize', listener);
  }

  /**
   * From now on every key is passed as its bytes and nothing is changed on the way out. If the process exits before it
   * has restored the terminal, Node puts back what it was at its start.
   *
   * @returns how to restore the terminal
   */
  raw(): () => void {
    const input = this.#input();
    input.setRawMode(true);
    const restore = (): void => void input.setRawMode(false);
    // Node leaves "newline → carriage return, newline" on; the guest's terminal has done that already.
    const { error, status } = spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
    if (error === undefined && status === 0) return restore;
    restore();
    throw new Error('stty cannot set this terminal to raw mode', { cause: error });
  }
}

function isSide(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= MAX_SIDE;
}
