import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectSoon } from '../../../src/base/connect.ts';
import { openAgentChannel } from '../../../src/guest/agent/agent-channel.ts';
import { encodeFrame, FRAME } from '../../../src/guest/agent/frames.ts';
import { qemu } from '../../../src/hypervisor/qemu/index.ts';
import { startFakeGuest, type FakeGuestProcess } from '../../support/fake-guest.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';
import { guestChannelContract } from './guest-channel.contract.ts';

const folder = withTemporaryFolder();
const never = new AbortController().signal;

guestChannelContract('the agent protocol', async () => {
  const guest = startFakeGuest(folder());
  using control = await qemu.control(guest.controlSocket, never);
  await control.endWithGuest(never);
  const channel = await openAgentChannel(guest.agentSockets[0], never);
  return {
    channel,
    ownsMachine: true,
    openAnother: () => openAgentChannel(guest.agentSockets[1], never),
    [Symbol.asyncDispose]: async () => {
      await channel[Symbol.asyncDispose]();
      await guest[Symbol.asyncDispose]();
    },
  };
});

describe('a session after another', () => {
  /** What a host process that died left on the port. */
  async function leave(guest: FakeGuestProcess, ...bytes: readonly Buffer[]): Promise<void> {
    const socket: Socket = await connectSoon(guest.agentSockets[0], never);
    await new Promise<void>((resolve) => socket.end(Buffer.concat(bytes), resolve));
    socket.destroy();
  }

  const frame = (length: number): Buffer =>
    encodeFrame({ type: FRAME.STDIN, flags: 0, stream: 1, payload: Buffer.alloc(length, 7) }, 0x01020304);

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a header', frame(10).subarray(0, 5)],
    ['half of the largest frame', frame(16_368).subarray(0, 9_000)],
    ['all of the largest frame but its last byte', frame(16_368).subarray(0, -1)],
    ['a whole frame of a session that nobody opened', frame(10)],
    ['noise', Buffer.alloc(50_000, 0xa5)],
  ])('opens whatever the one before left: %s', async (_what, left) => {
    await using guest = startFakeGuest(folder());
    await leave(guest, left);
    const channel = await openAgentChannel(guest.agentSockets[0], never);
    await channel.ping(never);
    await channel[Symbol.asyncDispose]();
  });

  it('waits until the one before has hung up', async () => {
    await using guest = startFakeGuest(folder());
    const first = await openAgentChannel(guest.agentSockets[0], never);
    const second = openAgentChannel(guest.agentSockets[0], never);
    await first.ping(never);
    await first[Symbol.asyncDispose]();
    const channel = await second;
    await channel.ping(never);
    await channel[Symbol.asyncDispose]();
  });

  it('is given up when the signal aborts, and leaves no connection', async () => {
    await using guest = startFakeGuest(folder(), { onHello: 'mute' });
    const controller = new AbortController();
    const reason = new Error('enough');
    const opening = openAgentChannel(guest.agentSockets[0], controller.signal);
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'PipeConnectWrap')).toEqual([]);
  });
});
