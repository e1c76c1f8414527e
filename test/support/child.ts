import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { DockerRootfsOptions, EnsureOptions } from '../../src/index.ts';
import { buildFolder, fixture } from './places.ts';

/** What a call in another process gave. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** A call for a child: see test/fixtures/sdk-child.mjs. */
export interface Call {
  readonly vmId?: string;
  readonly call: string;
  readonly args?: readonly unknown[];
}

/** A request for a child that builds: see test/fixtures/builder-child.mjs. */
export interface BuildCall {
  readonly options: DockerRootfsOptions;
  readonly ensure: EnsureOptions;
}

/** What a child may use. */
export interface Limits {
  readonly maxDescriptors?: number;
}

function limited(
  argv: readonly [string, ...string[]],
  { maxDescriptors }: Limits,
): readonly [string, ...string[]] {
  if (maxDescriptors === undefined) return argv;
  return ['/bin/sh', '-c', `ulimit -n ${maxDescriptors}; exec "$@"`, 'sh', ...argv];
}

/** Another process that does what it is told. Disposing kills it. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string, undefined>;
  #stderr = '';

  private constructor(args: readonly string[], limits: Limits) {
    const [program, ...rest] = limited([process.execPath, ...args], limits);
    this.#process = spawn(program, rest, { stdio: 'pipe' });
    this.#process.stderr?.on('data', (text: Buffer) => (this.#stderr += text.toString()));
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('a child without stdout');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** A process that uses the SDK, ready for calls. */
  static async sdk(limits: Limits = {}): Promise<Child> {
    return Child.#started([fixture('sdk-child.mjs'), `${buildFolder}/index.js`], limits);
  }

  /** A process that uses a state database, ready for calls. */
  static async store(database: string): Promise<Child> {
    return Child.#started([fixture('store-child.mjs'), buildFolder, database]);
  }

  /** A process that builds images, ready for requests. */
  static async builder(): Promise<Child> {
    return Child.#started([fixture('builder-child.mjs'), `${buildFolder}/index.js`]);
  }

  static async #started(args: readonly string[], limits: Limits = {}): Promise<Child> {
    const child = new Child(args, limits);
    await child.next();
    return child;
  }

  /** Makes a call and waits for its answer. */
  async call(call: Call): Promise<Answer> {
    this.send(call);
    return this.next();
  }

  /** Makes a call whose answer is read later, if at all. */
  send(call: Call | BuildCall): void {
    this.#process.stdin?.write(`${JSON.stringify(call)}\n`);
  }

  /** Ends it as `kill -9` does; resolves when it is gone. */
  async killHard(): Promise<void> {
    await this.#end(() => this.#process.kill('SIGKILL'));
  }

  /** Lets it end by itself; resolves with its exit code and what it wrote to stderr. */
  async finish(): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
    await this.#end(() => this.#process.stdin?.end());
    return { exitCode: this.#process.exitCode, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killHard();
  }

  async #end(how: () => unknown): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    how();
    await ended;
  }

  /** The next answer. */
  async next(): Promise<Answer> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`the child ended: ${this.#stderr}`);
    return JSON.parse(value) as Answer;
  }
}
