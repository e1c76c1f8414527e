import type { Socket } from 'node:net';
import { orAborted } from '../../base/poll.ts';
import { escapeText } from '../../base/escape-text.ts';
import { SmolVMError } from '../../errors.ts';
import { JsonLines } from '../../base/json-lines.ts';

/** A message of the VMM. It holds a device model that a guest may have taken over, so nothing in it is trusted. */
interface QmpMessage {
  readonly QMP?: unknown;
  readonly event?: unknown;
  readonly id?: unknown;
  readonly return?: unknown;
  readonly error?: unknown;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A client of the QEMU Machine Protocol: one JSON value a line, answers by id, events in between
 * (qemu: docs/interop/qmp-spec). Losing the connection fails all that is open.
 */
export class QmpClient implements Disposable {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #onEvent: (name: string) => void;
  readonly #greeted: Promise<unknown>;
  #lastId = 0;
  #lost: SmolVMError | undefined;

  private constructor(socket: Socket, onEvent: (name: string) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    this.#greeted = new Promise((resolve, reject) => this.#pending.set(GREETING, { resolve, reject }));
    this.#greeted.catch(() => undefined);
    const lines = new JsonLines();
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of lines.push(chunk)) this.#receive(message);
      } catch (error) {
        this.#lose(`it answered what is not its protocol: ${String(error)}`);
      }
    });
    socket.on('error', (error) => {
      this.#lose(error.message);
    });
    socket.on('close', () => {
      this.#lose('the connection was closed');
    });
  }

  /** Waits for the greeting and leaves negotiation mode. `onEvent` also hears `CLOSED` when the line is lost. */
  static async open(
    socket: Socket,
    onEvent: (name: string) => void,
    signal: AbortSignal,
  ): Promise<QmpClient> {
    const client = new QmpClient(socket, onEvent);
    try {
      await orAborted(client.#greeted, signal);
      await client.execute('qmp_capabilities', {}, signal);
      return client;
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
  }

  /** Sends a command; resolves with its `return` value. */
  async execute(
    command: string,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    answer.catch(() => undefined);
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    try {
      return await orAborted(answer, signal);
    } finally {
      this.#pending.delete(id);
    }
  }

  [Symbol.dispose](): void {
    this.#lose('we closed the connection');
  }

  #receive(line: unknown): void {
    if (typeof line !== 'object' || line === null) throw new Error('a line that is no object');
    const message: QmpMessage = line;
    if (message.QMP !== undefined) this.#pending.get(GREETING)?.resolve(message.QMP);
    else if (typeof message.event === 'string') this.#onEvent(message.event);
    else if (typeof message.id === 'number') this.#answer(message.id, message);
  }

  #answer(id: number, message: QmpMessage): void {
    const pending = this.#pending.get(id);
    if (message.error === undefined) pending?.resolve(message.return);
    else
      pending?.reject(
        new SmolVMError('CONTROL_FAILED', `the VMM refused a command: ${describe(message.error)}`),
      );
  }

  #lose(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new SmolVMError('CONTROL_FAILED', `the VMM's control socket is lost: ${escapeText(reason)}`);
    this.#socket.destroy();
    for (const pending of this.#pending.values()) pending.reject(this.#lost);
    this.#pending.clear();
    this.#onEvent('CLOSED');
  }
}

/** The greeting comes unasked; it is kept under an id that no command has. */
const GREETING = 0;

function describe(error: unknown): string {
  const text =
    typeof error === 'object' && error !== null && 'desc' in error
      ? String(error.desc)
      : JSON.stringify(error);
  return escapeText(text.slice(0, 500));
}
