import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connect } from '../../../src/base/connect.ts';
import { isSmolVMError } from '../../../src/errors.ts';
import { AgentCommand } from '../../../src/guest/agent/agent-command.ts';
import { AgentSession } from '../../../src/guest/agent/agent-session.ts';
import { encodeFrame, FRAME, FrameDecoder } from '../../../src/guest/agent/frames.ts';
import { notStarted } from '../../../src/guest/agent/refusals.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const TAG = 0x01020304;
const FRAMES = 100_000;
const TYPES = Object.values(FRAME).filter((type) => type >= FRAME.GUEST_HELLO);
const info = {
  agentVersion: '0',
  bootId: '',
  rootError: '',
  stdinWindowBytes: 65_536,
  maxCommands: 1,
  capabilities: new Set<string>(),
};

/** A frame of a random type for one of a few streams, most of them such that a careless decoder would believe it. */
function randomFrame(): Buffer {
  const payload = Buffer.alloc(randomInt(4) === 0 ? randomInt(2_000) : randomInt(24), randomInt(256));
  const type = TYPES[randomInt(TYPES.length)] ?? FRAME.PONG;
  return encodeFrame({ type, flags: randomInt(2), stream: randomInt(4), payload }, TAG);
}

it('100,000 random frames end sessions with typed errors, and neither crash, stall nor grow this process', async () => {
  const path = join(folder(), 'agent');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const before = process.memoryUsage().rss;
  let sent = 0;
  // The processor's time of one turn, which says the same on a busy machine.
  let longestTurnMs = 0;
  try {
    while (sent < FRAMES) {
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const socket = await connect(path);
      const [guest] = await accepted;
      guest.on('error', () => undefined);
      const session = new AgentSession({ socket, tag: TAG, decoder: new FrameDecoder(TAG), info, frames: [] });
      const opening = {
        type: FRAME.EXEC,
        payload: Buffer.alloc(8),
        onOutput: () => undefined,
        describeFailure: notStarted,
      };
      const { stream } = session.open((send) => new AgentCommand(opening, 65_536, send));
      while (!guest.destroyed && socket.readyState === 'open' && sent < FRAMES) {
        const batch = Array.from({ length: 50 }, randomFrame);
        sent += batch.length;
        guest.write(Buffer.concat(batch));
        const used = process.cpuUsage();
        await new Promise((resolve) => setImmediate(resolve));
        const { user, system } = process.cpuUsage(used);
        longestTurnMs = Math.max(longestTurnMs, (user + system) / 1_000);
      }
      guest.destroy();
      expect(isSmolVMError(await session.closed)).toBe(true);
      const end: unknown = await stream.exit.catch((error: unknown) => error);
      expect(isSmolVMError(end) || (typeof end === 'object' && end !== null && 'kind' in end)).toBe(true);
    }
  } finally {
    server.close();
  }
  expect(longestTurnMs).toBeLessThan(50);
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(128);
});
