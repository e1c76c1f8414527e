import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Cleanup } from '../../base/cleanup.ts';
import { ownedName } from '../../base/owned-name.ts';
import { syncFolder, writeAll } from '../../base/write-atomic.ts';
import { SmolVMError, toSmolVMError } from '../../errors.ts';
import { encodeEntry, END_OF_ARCHIVE, endOfContents } from '../rootfs/tar/encode-entry.ts';
import type { ReadyEntry } from './entries.ts';
import { MANIFEST, RECORD, ROOTFS, type SavedManifest, type SavedRecord } from './saved-image.ts';
import { gzipSparse, type Measured } from './sparse-gzip.ts';

const READ_BYTES = 1024 * 1024;

/** What members of the archive have in common. */
const PLAIN_FILE = {
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  linkName: '',
  devMajor: 0,
  devMinor: 0,
  xattrs: new Map<string, Buffer>(),
} as const;

/** An image to be saved. */
export interface SaveRequest {
  readonly entry: ReadyEntry;
  readonly name: string;
  /** Where the archive appears, whole, by a rename. */
  readonly path: string;
  /** May an archive that is there be replaced? */
  readonly overwrite: boolean;
  readonly signal: AbortSignal;
  readonly onBytes?: ((doneBytes: number) => void) | undefined;
}

/** Writes an image as one file. Whatever fails, a file that was there stays as it was, and nothing else is left. */
export async function saveImage(request: SaveRequest): Promise<{ readonly sizeBytes: number }> {
  const { path, signal } = request;
  const undo = new Cleanup();
  try {
    if (!request.overwrite) await refuseExisting(path);
    const folder = dirname(path);
    const compressed = join(folder, ownedName('save'));
    const archive = join(folder, ownedName('save'));
    for (const temporary of [compressed, archive])
      undo.defer(`remove ${temporary}`, () => rm(temporary, { force: true }));
    const [packed, contents] = await compress(request, compressed);
    await writePieces(archive, archiveOf(request, { compressed, packed, contents }));
    signal.throwIfAborted();
    if (!request.overwrite) await refuseExisting(path);
    await rename(archive, path);
    await syncFolder(folder);
    await undo.run();
    return { sizeBytes: (await stat(path)).size };
  } catch (error) {
    await undo.run();
    signal.throwIfAborted();
    throw toSmolVMError(error, `save the image to ${path}`);
  }
}

async function refuseExisting(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) return;
  throw new SmolVMError('INVALID_ARGUMENT', `${path} exists`, {
    hint: `Choose another file, or replace it: smolvm image save --force (overwrite: true) … ${basename(path)}`,
    details: { path },
  });
}

/** The file system, compressed; its size and digest stand before it in the archive, so they must be known first. */
async function compress(
  { entry, signal, onBytes }: SaveRequest,
  path: string,
): Promise<readonly [packed: Measured, contents: Measured]> {
  let contents: Measured | undefined;
  async function* pieces(): AsyncGenerator<Buffer> {
    contents = yield* gzipSparse(entry.paths.rootfs, signal, onBytes);
  }
  const packed = await writePieces(path, pieces());
  if (contents === undefined) throw new SmolVMError('INTERNAL', 'the file system was not read to its end');
  return [packed, contents];
}

interface ArchiveParts {
  readonly compressed: string;
  readonly packed: Measured;
  readonly contents: Measured;
}

async function* archiveOf(request: SaveRequest, parts: ArchiveParts): AsyncGenerator<Buffer> {
  const record = Buffer.from(JSON.stringify(savedRecord(request)), 'utf8');
  const sha256 = createHash('sha256').update(record).digest('hex');
  const manifest: SavedManifest = {
    schema: 1,
    files: [
      { path: RECORD, sizeBytes: record.length, sha256 },
      { path: ROOTFS, ...parts.packed },
    ],
    rootfs: parts.contents,
  };
  yield* member(MANIFEST, Buffer.from(JSON.stringify(manifest), 'utf8'));
  yield* member(RECORD, record);
  const { sizeBytes } = parts.packed;
  yield encodeEntry({ ...PLAIN_FILE, name: ROOTFS, sizeBytes });
  const { signal } = request;
  yield* createReadStream(parts.compressed, { signal, highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
  yield endOfContents(sizeBytes);
  yield END_OF_ARCHIVE;
}

function* member(name: string, contents: Buffer): Generator<Buffer> {
  const sizeBytes = contents.length;
  yield encodeEntry({ ...PLAIN_FILE, name, sizeBytes });
  yield contents;
  yield endOfContents(sizeBytes);
}

/** Writes a file of the pieces, durably, and measures it. */
async function writePieces(path: string, pieces: AsyncGenerator<Buffer>): Promise<Measured> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const handle = await open(path, 'wx', 0o600);
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      await writeAll(handle, piece, sizeBytes);
      sizeBytes += piece.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

function savedRecord({ entry: { record }, name }: SaveRequest): SavedRecord {
  const { source, arch, config, contentBytes, entryCount, createdAt } = record;
  return { formatVersion: 1, name, source, arch, config, contentBytes, entryCount, createdAt };
}
