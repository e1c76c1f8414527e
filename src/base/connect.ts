import { createConnection, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errnoOf, SmolVMError } from '../errors.ts';
import { poll } from './poll.ts';

/** How often a socket that is about to appear is tried. Polling each millisecond costs less than a watcher. */
const RETRY_MS = 1;

/** Connects to a socket that a starting process is about to make: "not there yet" and "not listening yet" wait. */
export function connectSoon(path: string, signal: AbortSignal): Promise<Socket> {
  return poll(
    async () => {
      try {
        return await connect(path);
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'ENOENT' || errno === 'ECONNREFUSED') return undefined;
        throw error;
      }
    },
    RETRY_MS,
    signal,
  );
}

/** Connects to a listening socket. */
export function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

/** A peer that ends while we write to it. */
const RESETS: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE']);

/** Feeds what comes to `take` until it has an answer; then nothing more is read and the socket is paused. */
export function readUntil<T>(
  socket: Duplex,
  take: (chunk: Buffer) => T | undefined,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.pause();
      socket.removeListener('data', onData).removeListener('error', onError).removeListener('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: Error): void => {
      stop();
      reject(error);
    };
    const onClose = (): void => {
      fail(new PeerClosedError());
    };
    const onError = (error: Error): void => {
      fail(RESETS.has(errnoOf(error)) ? new PeerClosedError(error) : error);
    };
    const onAbort = (): void => {
      fail(signal.reason as Error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        const answer = take(chunk);
        if (answer === undefined) return;
        stop();
        resolve(answer);
      } catch (error) {
        fail(error as Error);
      }
    };
    socket.on('data', onData).on('error', onError).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else socket.resume();
  });
}

/** The other side closed the connection where an answer was expected. Code `HOST_FAILED`. */
export class PeerClosedError extends SmolVMError {
  constructor(cause?: Error) {
    super('HOST_FAILED', 'the other side closed the connection', { cause });
  }
}
