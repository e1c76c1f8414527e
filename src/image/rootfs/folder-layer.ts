import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ImageError, toSmolVMError } from '../../errors.ts';
import type { Layer } from './layer.ts';
import { encodeEntry, END_OF_ARCHIVE, endOfContents } from './tar/encode-entry.ts';
import type { TarEntry, TarEntryKind } from './tar/read-tar.ts';
import { shownName } from './layer-problem.ts';

const READ_BYTES = 256 * 1024;

/**
 * A folder of this host as a layer: what is below it, with owners, modes and times as they are here. Symlinks are packed,
 * never followed. Extended attributes are left out (Node cannot read them), so are sockets; names that begin with
 * `.wh.` are whiteouts, as in any layer. The folder must not change meanwhile.
 *
 * @example
 * ```ts
 * const layer = folderLayer('/srv/rootfs');
 * ```
 */
export function folderLayer(path: string): Layer {
  return {
    name: path,
    open: (signal) => Promise.resolve(Readable.from(packFolder(path, signal), { objectMode: false })),
  };
}

/** A file that is to be packed. Both paths are bytes: names need not be UTF-8. */
interface Found {
  readonly path: Buffer;
  /** In the archive, one character a byte; "" for the folder itself. */
  readonly name: string;
}

async function* packFolder(folder: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const links = new Map<string, string>();
  const pending: Found[] = [{ path: Buffer.from(folder), name: '' }];
  for (let found = pending.pop(); found !== undefined; found = pending.pop()) {
    signal.throwIfAborted();
    try {
      yield* packFound(found, links);
      pending.push(...(await below(found)).toReversed());
    } catch (error) {
      throw toSmolVMError(error, `pack ${found.path.toString()}`);
    }
  }
  yield END_OF_ARCHIVE;
}

async function below({ path, name }: Found): Promise<readonly Found[]> {
  const stats = await lstat(path);
  if (!stats.isDirectory()) {
    if (name === '') throw new ImageError(`${path.toString()} is no folder`);
    return [];
  }
  const names = await readdir(path, { encoding: 'buffer' });
  return names
    .sort((one, other) => one.compare(other))
    .map((below) => ({
      path: Buffer.concat([path, Buffer.from('/'), below]),
      name: `${name}${below.toString('latin1')}/`,
    }));
}

async function* packFound(found: Found, links: Map<string, string>): AsyncGenerator<Buffer> {
  const stats = await lstat(found.path, { bigint: true });
  const kind = kindOf(stats);
  if (kind === undefined) return;
  const name = kind === 'folder' ? `./${found.name}` : found.name.slice(0, -1);
  const entry = entryOf(stats, name, kind);
  if (kind === 'symlink') {
    const target = await readlink(found.path, { encoding: 'buffer' });
    yield encodeEntry({ ...entry, linkName: target.toString('latin1') });
    return;
  }
  const identity = `${stats.dev}:${stats.ino}`;
  const known = links.get(identity);
  if (known !== undefined) {
    yield encodeEntry({ ...entry, kind: 'link', linkName: known, sizeBytes: 0 });
    return;
  }
  if (kind !== 'folder' && stats.nlink > 1n) links.set(identity, name);
  yield encodeEntry(entry);
  if (kind === 'file') yield* contentsOf(found, stats);
}

function kindOf(stats: BigIntStats): TarEntryKind | undefined {
  if (stats.isDirectory()) return 'folder';
  if (stats.isFile()) return 'file';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'character';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : undefined;
}

function entryOf(stats: BigIntStats, name: string, kind: TarEntryKind): Omit<TarEntry, 'body'> {
  const device = kind === 'character' || kind === 'block' ? stats.rdev : 0n;
  const seconds = stats.mtimeNs / 1_000_000_000n - (stats.mtimeNs % 1_000_000_000n < 0n ? 1n : 0n);
  return {
    name,
    kind,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtime: { seconds: Number(seconds), nanoseconds: Number(stats.mtimeNs - seconds * 1_000_000_000n) },
    linkName: '',
    // As makedev(3) packs them, up to 32 bits.
    devMajor: Number((device >> 8n) & 0xfffn),
    devMinor: Number((device & 0xffn) | ((device >> 12n) & 0xfff00n)),
    sizeBytes: kind === 'file' ? Number(stats.size) : 0,
    xattrs: new Map(),
  };
}

/** Exactly as many bytes as the entry says. */
async function* contentsOf({ path, name }: Found, { size, ino, dev }: BigIntStats): AsyncGenerator<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const opened = await handle.stat({ bigint: true });
    if (opened.ino !== ino || opened.dev !== dev) throw changed(name);
    for (let left = Number(size); left > 0;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(left, READ_BYTES)));
      if (bytesRead === 0) throw changed(name);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
  const end = endOfContents(Number(size));
  if (end.length > 0) yield end;
}

function changed(name: string): ImageError {
  return new ImageError(`${shownName(name.slice(0, -1))} changed while it was packed`, {
    hint: 'Try again when nothing changes the folder.',
  });
}
