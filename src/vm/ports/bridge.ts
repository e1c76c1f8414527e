import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { GuestChannel } from '../../guest/guest-channel.ts';

/** Says that the guest's side is connected; before that it only may fail. */
const CONNECTED = 0x01;

/**
 * Leads a connection of this host to a TCP port of the guest, on its loopback or on any of its addresses. Either side
 * may end its half first. Resolves when both are over.
 */
export async function bridge(socket: Socket, channel: GuestChannel, guestPort: number): Promise<void> {
  const state = { isConnected: false };
  const command = channel.exec({
    argv: ['dial', 'localhost', String(guestPort)],
    env: {},
    cwd: '',
    user: '',
    stdin: true,
    tool: true,
    // The guest's side has ended its half; ours may go on. One that never connected is reset below.
    onOutputEnd: (name) => {
      if (name === 'stdout' && state.isConnected) socket.end();
    },
    onOutput: async (name, chunk) => {
      if (name === 'stderr') return;
      const bytes = state.isConnected ? chunk : chunk.subarray(chunk[0] === CONNECTED ? 1 : 0);
      state.isConnected = true;
      // A copy: the chunk is a view of a larger buffer, and the socket may keep it.
      if (bytes.length > 0 && !socket.destroyed && !socket.write(Buffer.from(bytes))) await drained(socket);
    },
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    command.kill(SIGKILL);
  });
  const sending = sendAll(socket, command);
  try {
    const exit = await command.exit;
    // Refused in the guest: reset here, as a closed port would.
    if (exit.kind === 'exited' && exit.exitCode === 0) socket.end();
    else socket.resetAndDestroy();
  } catch {
    socket.destroy();
  }
  await sending;
}

const SIGKILL = 9;

async function sendAll(socket: Socket, command: ReturnType<GuestChannel['exec']>): Promise<void> {
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
      await command.write(chunk);
    command.end();
  } catch {
    // The connection broke; its 'close' ends the command.
  }
}

async function drained(socket: Socket): Promise<void> {
  await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
}
