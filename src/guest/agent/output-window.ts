import type { OnOutput } from '../guest-channel.ts';
import { breach } from './frames.ts';
import { OUTPUT_WINDOW_BYTES } from './messages.ts';

type Name = 'stdout' | 'stderr';

/** What the window tells its command. */
interface Events {
  /** So many bytes more may be sent. */
  readonly onCredit: (name: Name, bytes: number) => void;
  readonly onConsumerFailed: () => void;
  /** An output has no more to come; told in order. */
  readonly onEnd: (name: Name) => void;
}

/** Output on its way to its consumer: in order, one chunk at a time, never more than the guest has credit for. */
export class OutputWindow {
  readonly #onOutput: OnOutput;
  readonly #events: Events;
  readonly #unread = { stdout: 0, stderr: 0 };
  readonly #uncredited = { stdout: 0, stderr: 0 };
  #deliveries: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(onOutput: OnOutput, events: Events) {
    this.#onOutput = onOutput;
    this.#events = events;
  }

  take(name: Name, chunk: Buffer): void {
    this.#unread[name] += chunk.length;
    if (this.#unread[name] > OUTPUT_WINDOW_BYTES) throw breach('more output than it may send');
    this.#deliveries = this.#deliveries.then(() => this.#deliver(name, chunk));
  }

  end(name: Name): void {
    this.#deliveries = this.#deliveries.then(() => {
      this.#events.onEnd(name);
    });
  }

  /** Resolves when the consumer has taken all; rejects with its failure. */
  async drained(): Promise<void> {
    await this.#deliveries;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #deliver(name: Name, chunk: Buffer): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#onOutput(name, chunk);
    } catch (error) {
      this.#failure = { error };
      this.#events.onConsumerFailed();
    }
    this.#credit(name, chunk.length);
  }

  /** Gives credit back in large pieces: one small frame for half a window. */
  #credit(name: Name, bytes: number): void {
    this.#unread[name] -= bytes;
    this.#uncredited[name] += bytes;
    if (this.#uncredited[name] < OUTPUT_WINDOW_BYTES / 2) return;
    this.#events.onCredit(name, this.#uncredited[name]);
    this.#uncredited[name] = 0;
  }
}
