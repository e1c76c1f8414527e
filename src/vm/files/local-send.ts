import { constants, type Stats } from 'node:fs';
import { lstat, open, opendir, readlink, type FileHandle } from 'node:fs/promises';
import { toSmolVMError } from '../../errors.ts';
import {
  encodeEnd,
  encodeFailure,
  encodePieceHead,
  encodeRecord,
} from '../../guest/agent/tools/tree-stream.ts';
import { ChunkWriter } from './chunk-writer.ts';

const BLOCK_BYTES = 256 * 1024;
/** Less room than that in a chunk is left empty. */
const MIN_BLOCK_BYTES = 16 * 1024;
const ZEROS = Buffer.alloc(BLOCK_BYTES);
const PIECE_HEAD_BYTES = encodePieceHead(0, 0).length;

/**
 * A file, folder or symlink of this host as a tree stream, in large chunks. Symlinks below the root are sent as they are
 * and never followed; sockets, devices and FIFOs are left out. If something cannot be read the stream ends with that, so
 * that the guest undoes what it has, and then this throws.
 */
export async function* sendLocal(root: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const context = { out: new ChunkWriter(), skipped: { count: 0 }, signal };
  try {
    yield* sendEntry(root, Buffer.alloc(0), context);
    yield* context.out.add(encodeEnd(context.skipped.count));
    yield* context.out.flush();
  } catch (error) {
    yield* context.out.add(encodeFailure(error instanceof Error ? error.message : String(error)));
    yield* context.out.flush();
    signal.throwIfAborted();
    throw toSmolVMError(error, `send ${root}`);
  }
}

interface Context {
  readonly out: ChunkWriter;
  readonly skipped: { count: number };
  readonly signal: AbortSignal;
}

async function* sendEntry(
  path: string | Buffer,
  sentAs: Buffer,
  context: Context,
): AsyncGenerator<Uint8Array> {
  context.signal.throwIfAborted();
  const stats = await lstat(path);
  const modifiedAtMs = stats.mtimeMs;
  if (stats.isDirectory()) {
    const mode = stats.mode & 0o7777;
    yield* context.out.add(encodeRecord({ kind: 'directory', path: sentAs, mode, modifiedAtMs }));
    yield* sendChildren(path, sentAs, context);
  } else if (stats.isFile()) {
    yield* sendFile(path, sentAs, context);
  } else if (stats.isSymbolicLink()) {
    const target = await readlink(path, { encoding: 'buffer' });
    yield* context.out.add(encodeRecord({ kind: 'symlink', path: sentAs, modifiedAtMs, target }));
  } else if (sentAs.length === 0) {
    throw new Error('it is neither a file nor a folder');
  } else {
    context.skipped.count += 1;
  }
}

async function* sendChildren(
  path: string | Buffer,
  sentAs: Buffer,
  context: Context,
): AsyncGenerator<Uint8Array> {
  const folder = await opendir(path, { encoding: 'buffer' as BufferEncoding });
  for await (const { name } of folder) {
    const bytes = Buffer.from(name);
    yield* sendEntry(joined(path, bytes), sentAs.length === 0 ? bytes : joined(sentAs, bytes), context);
  }
}

/** Names need not be UTF-8, so paths are bytes. */
function joined(path: string | Buffer, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(path as Buffer), Buffer.from('/'), name]);
}

async function* sendFile(
  path: string | Buffer,
  sentAs: Buffer,
  context: Context,
): AsyncGenerator<Uint8Array> {
  const { out } = context;
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stats = await file.stat();
    const [mode, modifiedAtMs, sizeBytes] = [stats.mode & 0o7777, stats.mtimeMs, stats.size];
    yield* out.add(encodeRecord({ kind: 'file', path: sentAs, mode, modifiedAtMs, sizeBytes }));
    yield* sendData(file, stats, context);
    yield* out.add(encodePieceHead(0, 0));
  } finally {
    await file.close();
  }
}

async function* sendData(
  file: FileHandle,
  { size, blocks }: Stats,
  { out, signal }: Context,
): AsyncGenerator<Uint8Array> {
  // Where fewer blocks are in use than the size needs, runs of zeros are holes, or may as well be.
  const isSparse = blocks * 512 < size;
  for (let offset = 0; offset < size;) {
    signal.throwIfAborted();
    // Read to where it is sent from, behind its head.
    const room = yield* out.room(PIECE_HEAD_BYTES + Math.min(MIN_BLOCK_BYTES, size - offset));
    const block = room.subarray(PIECE_HEAD_BYTES, PIECE_HEAD_BYTES + Math.min(BLOCK_BYTES, size - offset));
    const { bytesRead } = await file.read(block, 0, block.length, offset);
    if (bytesRead === 0) throw new Error('it became shorter while it was read');
    if (!isSparse || !block.subarray(0, bytesRead).equals(ZEROS.subarray(0, bytesRead))) {
      encodePieceHead(offset, bytesRead).copy(room);
      out.used(PIECE_HEAD_BYTES + bytesRead);
    }
    offset += bytesRead;
  }
}
