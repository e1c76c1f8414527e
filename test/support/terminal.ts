import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { expect } from 'vitest';
import { fixture } from './places.ts';

/** A program on a pseudo terminal of ours. */
export class Terminal {
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #shown = '';

  constructor(argv: readonly string[], { rows = 24, columns = 80, env = {} } = {}) {
    this.#child = spawn('python3', [fixture('terminal.py'), String(rows), String(columns), ...argv], {
      stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'],
      env: { ...process.env, TERM: 'xterm', ...env },
    });
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null);
    this.#output(1)
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#shown += text));
    const lines = createInterface({ input: this.#output(4) });
    this.#answers = lines[Symbol.asyncIterator]();
    for (const index of [0, 3]) this.#input(index).on('error', () => undefined);
  }

  /** All that it has shown so far. */
  get shown(): string {
    return this.#shown;
  }

  type(text: string): void {
    this.#input(0).write(text);
  }

  resize(rows: number, columns: number): void {
    this.#input(3).write(`size ${rows} ${columns}\n`);
  }

  /** The modes that are on. */
  async modes(): Promise<string> {
    this.#input(3).write('modes\n');
    return this.nextModes();
  }

  /** The next answer; the last one is of the end. */
  async nextModes(): Promise<string> {
    const { value } = (await this.#answers.next()) as { value: unknown };
    return String(value);
  }

  /** Waits until it shows a text. */
  async until(text: string): Promise<void> {
    await expect.poll(() => this.#shown, { timeout: 15_000 }).toContain(text);
  }

  /** Signals the program. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #input(index: number): Writable {
    return this.#child.stdio[index] as Writable;
  }

  #output(index: number): Readable {
    return this.#child.stdio[index] as Readable;
  }
}
