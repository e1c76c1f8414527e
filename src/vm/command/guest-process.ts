import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { Handover } from '../../base/handover.ts';
import { SmolVMError, ValidationError } from '../../errors.ts';
import type { GuestCommand, StartedCommand, TerminalSize } from '../../guest/guest-channel.ts';
import { parseTerminalSize } from '../../spec/run-options.ts';
import { known, type CommandOutcome, type Ending } from './command-outcome.ts';
import type { CommandOutput, OutputChunk, Tap } from './command-output.ts';
import { commandResult, type CommandResult } from './command-result.ts';
import { inputStream, streamTap } from './taps.ts';

/** What a handle is made of. */
export interface GuestProcessParts {
  readonly argv: readonly string[];
  readonly execId: string | null;
  readonly hasInput: boolean;
  readonly check: boolean;
  readonly opening: Promise<GuestCommand>;
  readonly started: Promise<StartedCommand>;
  readonly ending: Promise<Ending>;
  readonly output: CommandOutput;
}

/**
 * A command in a VM. Await it for its result (as {@link SmolVM.run} gives), iterate it for its output as it comes, or
 * use its Node streams. Nobody has to read the output: the first 16 MiB of each stream are kept (`maxOutputBytes`).
 * Whoever reads it must go on or leave off; the command waits meanwhile.
 *
 * @example
 * ```ts
 * const ping = vm.spawn('ping -c 3 127.0.0.1');
 * for await (const { stream, bytes } of ping) process[stream].write(bytes);
 * const { exitCode } = await ping;
 * ```
 */
export class GuestProcess implements PromiseLike<CommandResult>, AsyncIterable<OutputChunk>, AsyncDisposable {
  /** Program and arguments. */
  readonly argv: readonly string[];
  /** The name of a detached command, by which any process can attach to it; null for others. */
  readonly execId: string | null;
  /** How it ended. Never rejects. */
  readonly outcome: Promise<CommandOutcome>;
  /** Its input; null unless asked for with `stdin: true` or a terminal. */
  readonly stdin: Writable | null;
  readonly #parts: GuestProcessParts;
  readonly #startedAt = performance.now();
  readonly #durationMs: Promise<number>;
  #streams: { stdout?: Readable; stderr?: Readable } = {};

  /** Made by {@link SmolVM.spawn} and {@link SmolVM.attach}. */
  constructor(parts: GuestProcessParts) {
    this.#parts = parts;
    this.argv = parts.argv;
    this.execId = parts.execId;
    this.stdin = parts.hasInput ? inputStream(parts.opening) : null;
    this.stdin?.on('error', () => undefined);
    this.outcome = parts.ending.then(({ outcome }) => outcome);
    this.#durationMs = parts.ending.then(() => performance.now() - this.#startedAt);
  }

  /** Its standard output. @throws WRONG_STATE if output was dropped before the first use */
  get stdout(): Readable {
    return this.#stream('stdout');
  }

  /** Its standard error; nothing comes here from a terminal. @throws WRONG_STATE as `stdout` */
  get stderr(): Readable {
    return this.#stream('stderr');
  }

  /** Its process id in the guest; 0 if it had ended before one attached. Rejects if it never started. */
  async pid(): Promise<number> {
    return (await this.#parts.started).pid;
  }

  /** Bytes of output since the command's start that came so far: where another `attach` may go on. */
  async cursor(): Promise<number> {
    return (await this.#parts.started).cursor + this.#parts.output.receivedBytes;
  }

  /**
   * Sends a signal to its whole process group. Nothing happens if it has ended.
   *
   * @param signal - such as `SIGINT`, or a number; default `SIGTERM`
   * @throws INVALID_ARGUMENT
   */
  kill(signal: string | number = 'SIGTERM'): void {
    const number = signalNumberOf(signal);
    this.#tell((command) => {
      command.kill(number);
    });
  }

  /** Tells the size of its terminal. @throws INVALID_ARGUMENT */
  resize(size: TerminalSize): void {
    const parsed = parseTerminalSize(size);
    this.#tell((command) => {
      command.resize(parsed);
    });
  }

  /** Leaves a detached command running; its output so far is here, the rest goes to who attaches. @throws WRONG_STATE */
  async detach(): Promise<void> {
    if (this.execId === null) {
      throw new SmolVMError('WRONG_STATE', 'the command is not a detached one: it ends with its session', {
        hint: 'Start it with spawn(command, { detached: true }).',
      });
    }
    (await this.#parts.opening).detach();
    await this.#parts.ending;
  }

  /** The result, as `run` gives it; with the same errors. */
  async result(): Promise<CommandResult> {
    const ending = await this.#parts.ending;
    if (!('exit' in ending)) throw ending.error;
    const { output } = this.#parts;
    const result = commandResult(this.argv, ending.exit, output, await this.#durationMs);
    if (this.#parts.check && !result.ok) throw commandFailed(result, ending.outcome, output);
    return result;
  }

  then<A = CommandResult, B = never>(
    onResult?: ((result: CommandResult) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result().then(onResult, onError);
  }

  /** Output of both streams in the order in which it came. @throws WRONG_STATE as `stdout` */
  [Symbol.asyncIterator](): AsyncIterator<OutputChunk> {
    const state = { untap: (): void => undefined };
    const chunks = new Handover<OutputChunk>(() => {
      state.untap();
    });
    state.untap = this.#tap({
      take: (chunk) => chunks.put(chunk),
      end: () => {
        chunks.end();
      },
    });
    return chunks;
  }

  /** Ends the command (SIGKILL to its group), or only lets go of it if it is detached. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#tell((command) => {
      if (this.execId === null) command.kill(constants.signals.SIGKILL);
      else command.detach();
    });
    await this.#parts.ending;
  }

  /** A command that never came to be needs not be told anything. */
  #tell(tell: (command: GuestCommand) => void): void {
    this.#parts.opening.then(tell, () => undefined);
  }

  #stream(name: 'stdout' | 'stderr'): Readable {
    return (this.#streams[name] ??= this.#openStream(name));
  }

  #openStream(name: 'stdout' | 'stderr'): Readable {
    const state = { untap: (): void => undefined };
    const { stream, tap } = streamTap(name, () => {
      state.untap();
    });
    state.untap = this.#tap(tap);
    return stream;
  }

  #tap(tap: Tap): () => void {
    const untap = this.#parts.output.tap(tap);
    if (untap !== undefined) return untap;
    throw new SmolVMError(
      'WRONG_STATE',
      'output of the command was dropped already, a reader would miss it',
      {
        hint: 'Begin to read right after spawn(), or keep more with maxOutputBytes.',
      },
    );
  }
}

function commandFailed(result: CommandResult, outcome: CommandOutcome, output: CommandOutput): SmolVMError {
  const how = result.signal ?? `code ${String(result.exitCode)}`;
  return new SmolVMError('COMMAND_FAILED', `the command ended with ${how}`, {
    hint: 'Its output is in details.stdout and details.stderr.',
    details: { exitCode: result.exitCode, signal: result.signal, ...known(outcome, output) },
  });
}

function signalNumberOf(signal: string | number): number {
  const names: Readonly<Record<string, number | undefined>> = constants.signals;
  const number = names[signal] ?? signal;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 64) return number;
  throw new ValidationError('signal', [
    `expected a name such as SIGTERM or a number from 1 to 64, got ${JSON.stringify(signal)}`,
  ]);
}
