import { escapeText } from '../../../base/escape-text.ts';
import { malformed, type ChunkReader } from './chunk-reader.ts';
import { toolFailure } from './tool-failure.ts';

/**
 * A file, folder or symlink and what is below it, as one stream (docs/agent-tools.md). The first record is the root,
 * with an empty path; parents come before what they hold.
 */
export type TreeRecord =
  | { readonly kind: 'directory'; readonly path: Buffer; readonly mode: number; readonly modifiedAtMs: number }
  | { readonly kind: 'file'; readonly path: Buffer; readonly mode: number; readonly modifiedAtMs: number; readonly sizeBytes: number }
  | { readonly kind: 'symlink'; readonly path: Buffer; readonly modifiedAtMs: number; readonly target: Buffer };

/** A piece of a file; what lies between pieces is zeros. */
export interface DataPiece {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** Bounds of a tree: enough for any real one, and a hostile one ends there. */
export const MAX_TREE_ENTRIES = 1_000_000;
export const MAX_PATH_BYTES = 4_096;
export const MAX_DEPTH = 256;
const MAX_NAME_BYTES = 255;
const MAX_PIECE_BYTES = 1024 * 1024;
const MAX_MESSAGE_BYTES = 8_192;

const KIND = { D: 0x44, F: 0x46, L: 0x4c, E: 0x45, X: 0x58 } as const;

/** Reads a tree's records. After a file's record its pieces must be read. */
export class TreeReader {
  readonly #reader: ChunkReader;
  #count = 0;
  #skipped = 0;

  constructor(reader: ChunkReader) {
    this.#reader = reader;
  }

  /** Sockets, devices and the like that the sender left out; known at the end. */
  get skippedCount(): number {
    return this.#skipped;
  }

  /** The next record, or undefined at the proper end. */
  async next(): Promise<TreeRecord | undefined> {
    const kind = await this.#reader.u8();
    if (kind === KIND.E) return this.#end();
    if (kind === KIND.X) throw toolFailure((await this.#reader.bytes('a message', MAX_MESSAGE_BYTES)).toString());
    if (kind !== KIND.D && kind !== KIND.F && kind !== KIND.L) throw malformed('a record of an unknown kind');
    const path = await this.#path();
    if (kind === KIND.L) {
      const modifiedAtMs = await this.#reader.timeMs();
      return { kind: 'symlink', path, modifiedAtMs, target: await this.#reader.bytes('a link', MAX_PATH_BYTES) };
    }
    const [mode, modifiedAtMs] = [(await this.#reader.u32()) & 0o7777, await this.#reader.timeMs()];
    if (kind === KIND.D) return { kind: 'directory', path, mode, modifiedAtMs };
    return { kind: 'file', path, mode, modifiedAtMs, sizeBytes: await this.#reader.u64('a size') };
  }

  /** The pieces of the file whose record came last. */
  async *pieces(sizeBytes: number): AsyncGenerator<DataPiece> {
    for (let written = 0; ;) {
      const [offset, length] = [await this.#reader.u64('an offset'), await this.#reader.u32()];
      if (length === 0) return;
      if (length > MAX_PIECE_BYTES || offset < written || offset + length > sizeBytes) throw malformed('data outside of its file');
      for (let at = 0; at < length;) {
        const bytes = await this.#reader.takeSome(length - at);
        yield { offset: offset + at, bytes };
        at += bytes.length;
      }
      written = offset + length;
    }
  }

  async #path(): Promise<Buffer> {
    this.#count += 1;
    if (this.#count > MAX_TREE_ENTRIES) throw malformed(`more than ${String(MAX_TREE_ENTRIES)} entries`);
    const path = await this.#reader.bytes('a path', MAX_PATH_BYTES);
    if (this.#count === 1 ? path.length > 0 : !isPlainPath(path)) throw malformed(`the path '${escapeText(path.toString())}'`);
    return path;
  }

  async #end(): Promise<undefined> {
    this.#skipped = await this.#reader.u32();
    if (this.#count === 0) throw malformed('a tree without a root');
    if (!(await this.#reader.atEnd())) throw malformed('more after its end');
    return undefined;
  }
}

/** Relative, with plain names only. */
function isPlainPath(path: Buffer): boolean {
  const names = path.toString('latin1').split('/');
  return (
    names.length <= MAX_DEPTH &&
    names.every((name) => name !== '' && name !== '.' && name !== '..' && name.length <= MAX_NAME_BYTES && !name.includes('\0'))
  );
}

/** A record as bytes. */
export function encodeRecord(record: TreeRecord): Buffer {
  switch (record.kind) {
    case 'directory':
      return Buffer.concat([Buffer.of(KIND.D), sized(record.path), u32(record.mode), time(record.modifiedAtMs)]);
    case 'file':
      return Buffer.concat([Buffer.of(KIND.F), sized(record.path), u32(record.mode), time(record.modifiedAtMs), u64(record.sizeBytes)]);
    case 'symlink':
      return Buffer.concat([Buffer.of(KIND.L), sized(record.path), time(record.modifiedAtMs), sized(record.target)]);
  }
}

/** The head of a piece of a file; its bytes follow. Without a length it ends the file. */
export function encodePieceHead(offset: number, lengthBytes: number): Buffer {
  return Buffer.concat([u64(offset), u32(lengthBytes)]);
}

/** The proper end of a tree. */
export function encodeEnd(skippedCount: number): Buffer {
  return Buffer.concat([Buffer.of(KIND.E), u32(skippedCount)]);
}

/** The end of a tree that could not be read: the receiver undoes what it has. */
export function encodeFailure(message: string): Buffer {
  return Buffer.concat([Buffer.of(KIND.X), sized(Buffer.from(message).subarray(0, MAX_MESSAGE_BYTES))]);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([u32(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function time(modifiedAtMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64LE(BigInt(Math.round(modifiedAtMs)) * 1_000_000n);
  return bytes;
}
