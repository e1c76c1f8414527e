import { constants } from 'node:os';
import type { DetachedCommand, ExecRequest, GuestExit, GuestInfo, NotStarted, StartedCommand } from '../guest-channel.ts';
import { breach } from './frames.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';

/** The protocol version spoken here. */
export const PROTOCOL_VERSION = 1;

/** Output that the agent may send before we have taken any, for each of stdout and stderr. */
export const OUTPUT_WINDOW_BYTES = 1024 * 1024;

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

/** Bits of the first byte of EXEC. */
const EXEC_STDIN = 1;
const EXEC_PTY = 2;
const EXEC_DETACHED = 4;
const EXEC_TOOL = 8;

export function encodeExec(request: ExecRequest): Buffer {
  const { terminal, detachedId } = request;
  const options =
    (request.stdin ? EXEC_STDIN : 0) |
    (terminal === undefined ? 0 : EXEC_PTY) |
    (detachedId === undefined ? 0 : EXEC_DETACHED) |
    (request.tool === true ? EXEC_TOOL : 0);
  const payload = new PayloadWriter().u8(options).u32(OUTPUT_WINDOW_BYTES).u32(OUTPUT_WINDOW_BYTES);
  if (terminal !== undefined) payload.u16(terminal.rows).u16(terminal.columns);
  payload
    .text(request.cwd)
    .text(request.user)
    .texts(request.argv)
    .texts(Object.entries(request.env).map(([name, value]) => `${name}=${value}`));
  if (detachedId !== undefined) payload.text(detachedId);
  return payload.bytes();
}

export function encodeAttach(execId: string, cursor: number): Buffer {
  return new PayloadWriter().text(execId).u64(BigInt(cursor)).u32(OUTPUT_WINDOW_BYTES).u32(OUTPUT_WINDOW_BYTES).bytes();
}

/** STARTED of a new command: its output begins at 0. */
export function decodeStarted(payload: Buffer): StartedCommand {
  return { pid: new PayloadReader(payload).u32(), cursor: 0 };
}

/** ATTACHED: where the output begins that comes now. */
export function decodeAttached(payload: Buffer): StartedCommand {
  const reader = new PayloadReader(payload);
  return { pid: reader.u32(), cursor: reader.u64() };
}

const MAX_DETACHED = 1_024;

export function decodeListed(payload: Buffer): readonly DetachedCommand[] {
  const reader = new PayloadReader(payload);
  const count = reader.u32();
  if (count > MAX_DETACHED) throw breach(`${String(count)} detached commands`);
  return Array.from({ length: count }, () => {
    const [execId, pid, kind, value] = [reader.text(64), reader.u32(), reader.u8(), reader.u32()];
    const [startedAtMs, oldestCursor, endCursor, program] = [reader.u64(), reader.u64(), reader.u64(), reader.text(1_024)];
    const end = kind === 0 ? { exitCode: value } : kind === 1 ? { signal: signalName(value) } : {};
    return { execId, pid, running: kind === 2, ...end, startedAtMs, oldestCursor, endCursor, program };
  });
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
