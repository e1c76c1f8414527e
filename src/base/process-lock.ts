import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, SmolVMError, toSmolVMError } from '../errors.ts';
import { connect } from './connect.ts';
import { orAborted } from './poll.ts';

/** Between two tries when the holder could not be asked: its queue is full, or it is just leaving. */
const RETRY_MS = 20;

/** A lock that is held until it is disposed of, or until this process ends, however it ends. */
export interface ProcessLock extends AsyncDisposable {
  /** Did another one hold it meanwhile? Then what it protects may have changed. */
  readonly hasWaited: boolean;
}

/**
 * One holder at a time among all processes of this host. The lock is a listening socket with an abstract name: the kernel
 * lets one process have it and takes it back when that process ends, so a dead holder locks nobody out. Waiters connect to
 * it, so the end of the holder is an event.
 *
 * @param what - the thing that is locked, such as a canonical path
 * @param onWait - called once, when another one holds it
 */
export async function lockAmongProcesses(
  what: string,
  signal: AbortSignal,
  onWait: () => void = () => undefined,
): Promise<ProcessLock> {
  if (process.platform !== 'linux') {
    throw new SmolVMError('HOST_FAILED', 'locks between processes need Linux (abstract socket names)');
  }
  const user = String(process.getuid?.() ?? 0);
  const name = `\0smolvm-lock-${createHash('sha256').update(`${user}\0${what}`).digest('hex').slice(0, 32)}`;
  for (let hasWaited = false; ; hasWaited = true) {
    signal.throwIfAborted();
    const held = await listen(name);
    if (held !== undefined) return { hasWaited, [Symbol.asyncDispose]: held };
    if (!hasWaited) onWait();
    await holderGone(name, signal);
  }
}

/** Becomes the holder; resolves with the release, or with undefined if another one has the name. */
function listen(name: string): Promise<(() => Promise<void>) | undefined> {
  const waiters = new Set<Socket>();
  const server = createServer((socket) => {
    waiters.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => waiters.delete(socket));
    // Without a reader the end of a waiter would go unseen.
    socket.resume();
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (errnoOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(toSmolVMError(error, 'take a lock'));
    });
    server.listen({ path: name }, () => {
      resolve(() => release(server, waiters));
    });
  });
}

/** The name is free before the waiters hear of it. */
async function release(server: Server, waiters: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of waiters) socket.destroy();
  await closed;
}

async function holderGone(name: string, signal: AbortSignal): Promise<void> {
  let socket: Socket;
  try {
    socket = await connect(name);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ECONNREFUSED' && errno !== 'EAGAIN' && errno !== 'ECONNRESET')
      throw toSmolVMError(error, 'wait for a lock');
    await orAborted(sleep(RETRY_MS), signal);
    return;
  }
  try {
    await orAborted(
      new Promise<void>((resolve) => {
        socket.on('error', () => resolve()).on('close', () => resolve());
        socket.resume();
      }),
      signal,
    );
  } finally {
    socket.destroy();
  }
}
