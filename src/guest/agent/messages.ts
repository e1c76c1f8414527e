import { constants } from 'node:os';
import type { ExecRequest, GuestExit, GuestInfo, NotStarted } from '../guest-channel.ts';
import { breach } from './frames.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';

/** The protocol version spoken here. */
export const PROTOCOL_VERSION = 1;

/** Output that the agent may send before we have taken any, for each of stdout and stderr. */
export const OUTPUT_WINDOW_BYTES = 256 * 1024;

/** The largest EXEC that the agent assembles. */
export const MAX_EXEC_BYTES = 2 * 1024 * 1024;

const MAGIC = Buffer.from('SMOLVM\0\x01', 'latin1');
const MAX_TEXT_BYTES = 4_096;
const MAX_CAPABILITIES = 64;

export function encodeHello(nonce: Buffer): Buffer {
  return new PayloadWriter().raw(MAGIC).u16(PROTOCOL_VERSION).u16(PROTOCOL_VERSION).raw(nonce).bytes();
}

export function decodeGuestHello(payload: Buffer): GuestInfo {
  const reader = new PayloadReader(payload);
  const version = reader.u16();
  if (version !== PROTOCOL_VERSION) throw breach(`version ${String(version)} of the protocol`);
  const [agentVersion, bootId, rootError] = [reader.text(256), reader.text(64), reader.text(MAX_TEXT_BYTES)];
  const [stdinWindowBytes, maxCommands, count] = [reader.u32(), reader.u32(), reader.u32()];
  if (count > MAX_CAPABILITIES) throw breach(`${String(count)} capabilities`);
  const capabilities = new Set(Array.from({ length: count }, () => reader.text(64)));
  return { agentVersion, bootId, rootError, stdinWindowBytes, maxCommands, capabilities };
}

export function encodeExec(request: ExecRequest): Buffer {
  return new PayloadWriter()
    .u8(request.stdin ? 1 : 0)
    .u32(OUTPUT_WINDOW_BYTES)
    .u32(OUTPUT_WINDOW_BYTES)
    .text(request.cwd)
    .text(request.user)
    .texts(request.argv)
    .texts(Object.entries(request.env).map(([name, value]) => `${name}=${value}`))
    .bytes();
}

export function decodeExit(payload: Buffer): GuestExit {
  const reader = new PayloadReader(payload);
  const [kind, value, flags] = [reader.u8(), reader.u32(), reader.u8()];
  const usage = { cpuMs: reader.u64() / 1_000, peakRssKib: reader.u64(), outputHeldOpen: (flags & 1) !== 0 };
  if (kind === 0 && value <= 255) return { kind: 'exited', exitCode: value, ...usage };
  if (kind === 1 && value >= 1 && value <= 64) return { kind: 'signaled', signal: signalName(value), ...usage };
  throw breach(`an exit of kind ${String(kind)} and value ${String(value)}`);
}

export function decodeFailed(payload: Buffer): NotStarted {
  const reader = new PayloadReader(payload);
  const errno = reader.u32();
  return { errno, reason: reader.text(64), message: reader.text(MAX_TEXT_BYTES) };
}

/** `SIGTERM` for 15; real-time signals, which have no name here, as `SIG34`. Linux numbers on both sides. */
export function signalName(number: number): string {
  const known = Object.entries(constants.signals).find(([, value]) => value === number);
  return known?.[0] ?? `SIG${String(number)}`;
}
