import { randomBytes } from 'node:crypto';
import type { ByteLine } from '../../base/child-stream.ts';
import { connectSoon, readUntil } from '../../base/connect.ts';
import { encodeFrame, FRAME, FrameDecoder } from './frames.ts';
import { HelloReader, type Answer } from './hello-reader.ts';
import { encodeHello } from './messages.ts';

/** A session that the agent has answered. */
export interface OpenedSession extends Answer {
  readonly socket: ByteLine;
  readonly tag: number;
  readonly decoder: FrameDecoder;
}

/** Completes any half-sent frame of a session before ours, see docs/agent-protocol.md. */
const PREAMBLE = Buffer.alloc(16 * 1024);

/**
 * Opens a session on an agent port: says hello at once and waits for the answer, which comes when the agent is up.
 * So waiting for a booting guest is waiting for this.
 */
export async function openAgentSocket(path: string, signal: AbortSignal): Promise<OpenedSession> {
  return greetAgent(await connectSoon(path, signal), signal);
}

/** The same where there is a line to it already. The line is destroyed if it fails. */
export async function greetAgent(socket: ByteLine, signal: AbortSignal): Promise<OpenedSession> {
  try {
    const nonce = randomBytes(16);
    const tag = newTag();
    const decoder = new FrameDecoder(tag);
    const reader = new HelloReader(nonce, decoder);
    const hello = { type: FRAME.HELLO, flags: 0, stream: 0, payload: encodeHello(nonce) };
    socket.write(Buffer.concat([PREAMBLE, encodeFrame(hello, tag)]));
    const answer = await readUntil(socket, (chunk) => reader.take(chunk), signal);
    return { ...answer, socket, tag, decoder };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A random number with no zero byte, so that no run of zeros can end in it. */
function newTag(): number {
  return Buffer.from(randomBytes(4).map((byte) => (byte === 0 ? 1 : byte))).readUInt32LE();
}
