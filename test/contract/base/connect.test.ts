import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect, connectSoon, readUntil } from '../../../src/base/connect.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const never = new AbortController().signal;

/** Serves one client. */
async function serve(path: string, onClient: (socket: Socket) => void): Promise<AsyncDisposable> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    onClient(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('connectSoon', () => {
  it('waits for a socket that is made later', async () => {
    const path = join(folder(), 'socket');
    const connecting = connectSoon(path, never);
    await using server = await serve(path, (socket) => socket.end('hi'));
    const socket = await connecting;
    expect(await readUntil(socket, (chunk) => chunk.toString(), never)).toBe('hi');
    socket.destroy();
    expect(server).toBeDefined();
  });

  it('gives up when the signal aborts', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const connecting = connectSoon(join(folder(), 'socket'), controller.signal);
    controller.abort(reason);
    await expect(connecting).rejects.toBe(reason);
  });

  it('fails at once for what can never become a socket', async () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'x');
    await expect(connectSoon(join(path, 'socket'), never)).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(connect(join(folder(), 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('readUntil', () => {
  it('reads until there is an answer, and leaves what comes later for others', async () => {
    const path = join(folder(), 'socket');
    let client: Socket | undefined;
    await using server = await serve(path, (socket) => {
      client = socket;
      socket.write('one');
    });
    const socket = await connect(path);
    expect(await readUntil(socket, (chunk) => chunk.toString(), never)).toBe('one');
    expect(socket.isPaused()).toBe(true);
    client?.write('two');
    const rest = once(socket, 'data');
    socket.resume();
    expect(String(await rest)).toBe('two');
    socket.destroy();
    expect(server).toBeDefined();
  });

  it.each([
    ['the other side closes', (socket: Socket) => socket.end(), /closed the connection/],
    ['the reader refuses', (socket: Socket) => socket.write('x'), /no such answer/],
  ])('fails when %s', async (_what, onClient, message) => {
    const path = join(folder(), 'socket');
    await using server = await serve(path, onClient);
    const socket = await connect(path);
    const take = (): undefined => {
      throw new Error('no such answer');
    };
    await expect(readUntil(socket, take, never)).rejects.toThrow(message);
    for (const event of ['data', 'error', 'close']) expect(socket.listenerCount(event)).toBe(0);
    socket.destroy();
    expect(server).toBeDefined();
  });

  it('fails with the reason of the signal', async () => {
    const path = join(folder(), 'socket');
    await using server = await serve(path, () => undefined);
    const socket = await connect(path);
    const reason = new Error('enough');
    await expect(readUntil(socket, () => undefined, AbortSignal.abort(reason))).rejects.toBe(reason);
    socket.destroy();
    expect(server).toBeDefined();
  });
});
