import { constants, type Stats } from 'node:fs';
import { lstat, open, opendir, readlink, type FileHandle } from 'node:fs/promises';
import { toSmolVMError } from '../../errors.ts';
import {
  encodeEnd,
  encodeFailure,
  encodePieceHead,
  encodeRecord,
} from '../../guest/agent/tools/tree-stream.ts';

const BLOCK_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/**
 * A file, folder or symlink of this host as a tree stream. Symlinks below the root are sent as they are and never
 * followed; sockets, devices and FIFOs are left out. If something cannot be read the stream ends with that, so that the
 * guest undoes what it has, and then this throws.
 */
export async function* sendLocal(root: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const skipped = { count: 0 };
  try {
    yield* sendEntry(root, Buffer.alloc(0), { skipped, signal });
    yield encodeEnd(skipped.count);
  } catch (error) {
    yield encodeFailure(error instanceof Error ? error.message : String(error));
    signal.throwIfAborted();
    throw toSmolVMError(error, `send ${root}`);
  }
}

interface Context {
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
    yield encodeRecord({ kind: 'directory', path: sentAs, mode: stats.mode & 0o7777, modifiedAtMs });
    yield* sendChildren(path, sentAs, context);
  } else if (stats.isFile()) {
    yield* sendFile(path, sentAs, context);
  } else if (stats.isSymbolicLink()) {
    const target = await readlink(path, { encoding: 'buffer' });
    yield encodeRecord({ kind: 'symlink', path: sentAs, modifiedAtMs, target });
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
  { signal }: Context,
): AsyncGenerator<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stats = await file.stat();
    yield encodeRecord({
      kind: 'file',
      path: sentAs,
      mode: stats.mode & 0o7777,
      modifiedAtMs: stats.mtimeMs,
      sizeBytes: stats.size,
    });
    yield* sendData(file, stats, signal);
    yield encodePieceHead(0, 0);
  } finally {
    await file.close();
  }
}

async function* sendData(
  file: FileHandle,
  { size, blocks }: Stats,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  // Where fewer blocks are in use than the size needs, runs of zeros are holes, or may as well be.
  const isSparse = blocks * 512 < size;
  for (let offset = 0; offset < size;) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, size - offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) throw new Error('it became shorter while it was read');
    const bytes = buffer.subarray(0, bytesRead);
    if (!isSparse || !bytes.equals(ZEROS.subarray(0, bytesRead))) {
      yield encodePieceHead(offset, bytesRead);
      yield bytes;
    }
    offset += bytesRead;
  }
}
