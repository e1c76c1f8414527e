import { Deadline } from '../../base/deadline.ts';
import { Handover } from '../../base/handover.ts';
import { SmolVMError } from '../../errors.ts';
import { ChunkReader } from '../../guest/agent/tools/chunk-reader.ts';
import { TreeReader } from '../../guest/agent/tools/tree-stream.ts';
import { receiveTree, type ReceiveOptions } from './local-receive.ts';
import { sendLocal } from './local-send.ts';
import { runTool, type Connect } from './run-tool.ts';

/** How long the guest may take to undo a transfer that was given up. */
const UNDO_TIMEOUT_MS = 1_000;

/** Both ends of a transfer, and who may end it. */
export interface Transfer {
  readonly localPath: string;
  readonly guestPath: string;
  readonly user: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A file, folder or symlink of this host → guest; put in place there when it is whole. */
export async function sendTree(connect: Connect, transfer: Transfer, flags: string): Promise<void> {
  const { localPath, guestPath, user, signal } = transfer;
  using deadline = new Deadline(`send ${localPath}`, Infinity, signal);
  // A stream that is given up tells the guest so, and the guest undoes what it has; only after that it is killed.
  using patience = new Patience(deadline.signal);
  const input = sendLocal(localPath, deadline.signal);
  try {
    await runTool(connect, {
      argv: ['unpack', guestPath, flags],
      user,
      input,
      bulk: 'input',
      signal: patience.signal,
    });
  } catch (error) {
    deadline.signal.throwIfAborted();
    throw error;
  }
}

/** A file, folder or symlink of the guest → this host; put in place here when it is whole. */
export async function receiveFromGuest(
  connect: Connect,
  transfer: Transfer,
  options: ReceiveOptions,
): Promise<void> {
  const { localPath, guestPath, user, signal } = transfer;
  using deadline = new Deadline(`receive ${guestPath}`, Infinity, signal);
  const chunks = new Handover<Buffer>();
  const sending = runTool(connect, {
    argv: ['pack', guestPath, 'l'],
    user,
    bulk: 'output',
    signal: deadline.signal,
    onOutput: (bytes) => chunks.put(bytes),
  });
  const sent = sending.then(
    () => {
      chunks.end();
    },
    (error: unknown) => {
      chunks.end(error as Error);
    },
  );
  try {
    await receiveTree(new TreeReader(new ChunkReader(chunks)), localPath, options);
  } catch (error) {
    await chunks.return();
    deadline.cancel(new SmolVMError('ABORTED', 'the transfer was given up'));
    throw error;
  } finally {
    await sent;
  }
}

/** A signal that follows another one, a little later. */
class Patience implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  #timer: NodeJS.Timeout | undefined;

  constructor(outer: AbortSignal) {
    this.#outer = outer;
    outer.addEventListener('abort', this.#wait, { once: true });
    if (outer.aborted) this.#controller.abort(outer.reason);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#wait);
  }

  readonly #wait = (): void => {
    this.#timer = setTimeout(() => {
      this.#controller.abort(this.#outer.reason);
    }, UNDO_TIMEOUT_MS);
  };
}
