import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { pack, type Pack } from 'tar-stream';
import { Cleanup } from '../../base/cleanup.ts';
import { ownedName } from '../../base/owned-name.ts';
import { syncFolder } from '../../base/write-atomic.ts';
import { SmolVMError, toSmolVMError } from '../../errors.ts';
import type { ReadyEntry } from './entries.ts';
import { MANIFEST, RECORD, ROOTFS, type SavedManifest, type SavedRecord } from './saved-image.ts';
import { gzipSparse, type Measured } from './sparse-gzip.ts';

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
    await writeArchive(request, { archive, compressed, packed, contents });
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
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let contents: Measured = { sizeBytes: 0, sha256: '' };
  async function* measured(): AsyncGenerator<Buffer> {
    const pieces = gzipSparse(entry.paths.rootfs, signal, onBytes);
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (next.done === true) {
        contents = next.value;
        return;
      }
      hash.update(next.value);
      sizeBytes += next.value.length;
      yield next.value;
    }
  }
  await pipeline(Readable.from(measured()), createWriteStream(path, { flags: 'wx', mode: 0o600 }), {
    signal,
  });
  return [{ sizeBytes, sha256: hash.digest('hex') }, contents];
}

interface ArchiveParts {
  readonly archive: string;
  readonly compressed: string;
  readonly packed: Measured;
  readonly contents: Measured;
}

async function writeArchive(request: SaveRequest, parts: ArchiveParts): Promise<void> {
  const record = Buffer.from(JSON.stringify(savedRecord(request)), 'utf8');
  const manifest: SavedManifest = {
    schema: 1,
    files: [
      { path: RECORD, sizeBytes: record.length, sha256: createHash('sha256').update(record).digest('hex') },
      { path: ROOTFS, ...parts.packed },
    ],
    rootfs: parts.contents,
  };
  const tar = pack();
  const handle = await open(parts.archive, 'wx', 0o600);
  try {
    const target = handle.createWriteStream({ autoClose: false });
    const writing = pipeline(tar, target, { signal: request.signal });
    // Awaited below, after what fills it; its failure also ends that.
    writing.catch(() => undefined);
    tar.entry({ name: MANIFEST }, Buffer.from(JSON.stringify(manifest), 'utf8'));
    tar.entry({ name: RECORD }, record);
    await addFile(tar, parts.compressed, parts.packed.sizeBytes);
    tar.finalize();
    await writing;
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function addFile(tar: Pack, path: string, sizeBytes: number): Promise<void> {
  const entry = tar.entry({ name: ROOTFS, size: sizeBytes });
  await pipeline(createReadStream(path), entry);
}

function savedRecord({ entry: { record }, name }: SaveRequest): SavedRecord {
  const { source, arch, config, contentBytes, entryCount, createdAt } = record;
  return { formatVersion: 1, name, source, arch, config, contentBytes, entryCount, createdAt };
}
