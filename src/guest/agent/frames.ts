import { SmolVMError } from '../../errors.ts';

/** Frame types of protocol version 1 (docs/agent-protocol.md). */
export const FRAME = {
  HELLO: 0x01,
  EXEC: 0x02,
  STDIN: 0x03,
  SIGNAL: 0x04,
  CREDIT: 0x05,
  PING: 0x06,
  SYNC: 0x07,
  SHUTDOWN: 0x08,
  TIME: 0x09,
  ENTROPY: 0x0a,
  BYE: 0x0b,
  RESIZE: 0x0c,
  ATTACH: 0x0d,
  DETACH: 0x0e,
  LIST: 0x0f,
  FORGET: 0x10,
  GUEST_HELLO: 0x81,
  STARTED: 0x82,
  STDOUT: 0x83,
  STDERR: 0x84,
  EXIT: 0x85,
  FAILED: 0x86,
  GUEST_CREDIT: 0x87,
  PONG: 0x88,
  OK: 0x89,
  GUEST_BYE: 0x8a,
  ERROR: 0x8b,
  ATTACHED: 0x8c,
  DETACHED: 0x8d,
  LISTED: 0x8e,
} as const;

export const HEADER_BYTES = 12;
export const TAG_BYTES = 4;

/** Largest payload that we send: a frame of 16 KiB. */
export const MAX_HOST_PAYLOAD = 16 * 1024 - HEADER_BYTES - TAG_BYTES;

/** Largest payload that the agent may send: a frame of 32 KiB. */
export const MAX_GUEST_PAYLOAD = 32 * 1024 - HEADER_BYTES - TAG_BYTES;

/** On EXEC: more parts follow. On STDIN, STDOUT and STDERR: it ends here. */
export const FLAG_MORE = 0x01;
export const FLAG_END = 0x01;

/** One frame, without its tag. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Frame → bytes. */
export function encodeFrame(frame: Frame, tag: number): Buffer {
  const { type, flags, stream, payload } = frame;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length + TAG_BYTES);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(flags, 1);
  bytes.writeUInt16LE(0, 2);
  bytes.writeUInt32LE(stream, 4);
  bytes.writeUInt32LE(payload.length, 8);
  payload.copy(bytes, HEADER_BYTES);
  bytes.writeUInt32LE(tag, HEADER_BYTES + payload.length);
  return bytes;
}

/** Bytes in any chunks → frames of one session. The guest is hostile: every breach throws `PROTOCOL_ERROR`. */
export class FrameDecoder {
  readonly #tag: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(tag: number) {
    this.#tag = tag;
  }

  /** Payloads are views of `chunk` or of a copy; they stay valid. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let size = frameSize(bytes); size !== undefined && bytes.length >= size; size = frameSize(bytes)) {
      const end = size - TAG_BYTES;
      if (bytes.readUInt32LE(end) !== this.#tag) throw breach('a frame of another session');
      const payload = bytes.subarray(HEADER_BYTES, end);
      frames.push({ type: bytes.readUInt8(0), flags: bytes.readUInt8(1), stream: bytes.readUInt32LE(4), payload });
      bytes = bytes.subarray(size);
    }
    this.#rest = bytes;
    return frames;
  }
}

/** The whole size of the first frame, or undefined if its header is not complete. */
function frameSize(bytes: Buffer): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const [type, length] = [bytes.readUInt8(0), bytes.readUInt32LE(8)];
  if (type < FRAME.GUEST_HELLO || type > FRAME.LISTED) throw breach(`frame type ${String(type)}`);
  if (bytes.readUInt16LE(2) !== 0) throw breach('a reserved field that is not 0');
  if (length > MAX_GUEST_PAYLOAD) throw breach(`a frame of ${String(length)} bytes`);
  return HEADER_BYTES + length + TAG_BYTES;
}

/** What the guest sent that it must not. */
export function breach(what: string): SmolVMError {
  return new SmolVMError('PROTOCOL_ERROR', `the guest agent broke the protocol: ${what}`, {
    hint: 'The guest may be compromised or its agent damaged. Stop the VM, or force it: smolvm delete',
  });
}
