import { LayerProblem } from '../layer-problem.ts';
import type { ByteSource } from './byte-source.ts';
import { BLOCK_BYTES, decodeHeader, natural, type TarHeader } from './header.ts';
import { decodePax, type PaxFields, type TimeStamp } from './pax.ts';

/** What an entry makes. */
export type TarEntryKind = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'folder' | 'fifo';

/** One entry of an archive, in words of the archive: nothing about its name is checked. */
export interface TarEntry {
  /** One character a byte, as all names here. */
  readonly name: string;
  readonly kind: TarEntryKind;
  /** Octal, permissions and setuid, setgid, sticky only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TimeStamp;
  /** Of a link: the name of the other entry. Of a symlink: what it holds. */
  readonly linkName: string;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Bytes of `body`; 0 for all but files. */
  readonly sizeBytes: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** To be read before the next entry is asked for, or not at all. */
  readonly body: AsyncIterable<Buffer>;
}

const KINDS: Readonly<Record<string, TarEntryKind>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'folder',
  '6': 'fifo',
};

/** Names take 4 KiB and the extended attributes that ext4 holds another 4; some programs write more than that. */
const MAX_EXTENDED_BYTES = 1024 * 1024;
/** After the end GNU tar pads to 10 KiB; some pad more. */
const MAX_TRAILER_BYTES = 64 * 1024 * 1024;
/** The highest user number: the next one means "no user" in system calls. */
const MAX_ID = 0xffff_fffe;

/** What precedes an entry and says more about it. */
interface Extended {
  pax: PaxFields | undefined;
  longName: string | undefined;
  longLink: string | undefined;
}

/**
 * Reads POSIX (ustar, pax) and GNU archives. tar-stream is not used: it takes extended headers as UTF-8, which destroys
 * file capabilities and other names, and holds 4 MiB for each.
 */
export async function* readTar(source: ByteSource): AsyncGenerator<TarEntry> {
  let extended: Extended = { pax: undefined, longName: undefined, longLink: undefined };
  let last: string | null = null;
  try {
    for (;;) {
      const header = decodeHeader(await source.take(BLOCK_BYTES));
      if (header === null) break;
      last = header.name;
      if (await takeExtended(source, header, extended)) continue;
      const entry = entryOf(header, extended);
      last = entry.name;
      extended = { pax: undefined, longName: undefined, longLink: undefined };
      let left = entry.sizeBytes;
      yield { ...entry, body: counted(source.pieces(entry.sizeBytes), (bytes) => void (left -= bytes)) };
      await source.skip(left + padding(entry.sizeBytes));
    }
    if (extended.pax !== undefined || extended.longName !== undefined || extended.longLink !== undefined)
      throw new LayerProblem('it ends after an extended header');
    last = null;
    await source.drain(MAX_TRAILER_BYTES);
  } catch (error) {
    throw error instanceof LayerProblem && error.entry === null
      ? new LayerProblem(error.message, last)
      : error;
  }
}

async function* counted(
  pieces: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    count(piece.length);
    yield piece;
  }
}

/** Reads the header if it is one about the next entry. */
async function takeExtended(source: ByteSource, header: TarHeader, extended: Extended): Promise<boolean> {
  const { typeflag, sizeBytes } = header;
  if (!['x', 'g', 'L', 'K'].includes(typeflag)) return false;
  if (sizeBytes > MAX_EXTENDED_BYTES) throw new LayerProblem(`an extended header has ${sizeBytes} bytes`);
  const bytes = sizeBytes === 0 ? Buffer.alloc(0) : await source.take(sizeBytes);
  await source.skip(padding(sizeBytes));
  // What holds for the whole archive ('g') is a comment in practice; other readers leave it out too.
  if (typeflag === 'x') extended.pax = decodePax(bytes);
  if (typeflag === 'L') extended.longName = longText(bytes);
  if (typeflag === 'K') extended.longLink = longText(bytes);
  return true;
}

function longText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}

function entryOf(header: TarHeader, { pax, longName, longLink }: Extended): Omit<TarEntry, 'body'> {
  const told = {
    path: longName ?? header.name,
    linkPath: longLink ?? header.linkName,
    sizeBytes: header.sizeBytes,
    uid: header.uid,
    gid: header.gid,
    mtime: { seconds: header.mtimeSeconds, nanoseconds: 0 },
    xattrs: new Map<string, Buffer>(),
    ...pax,
  };
  const name = told.path;
  return {
    name,
    kind: kindOf(header.typeflag, name),
    mode: header.mode & 0o7777,
    uid: id(told.uid, name),
    gid: id(told.gid, name),
    mtime: told.mtime,
    linkName: told.linkPath,
    devMajor: natural(header.devMajor, 'device number'),
    devMinor: natural(header.devMinor, 'device number'),
    // What is no file has no contents, whatever size its header tells: so do Go's reader, and with it Docker.
    sizeBytes: isFileFlag(header.typeflag) ? told.sizeBytes : 0,
    xattrs: told.xattrs,
  };
}

function kindOf(typeflag: string, name: string): TarEntryKind {
  const kind = KINDS[typeflag];
  if (typeflag === 'S')
    throw new LayerProblem('sparse entries of GNU tar are not supported: pack without --sparse', name);
  if (kind === undefined) throw new LayerProblem(`its type ${JSON.stringify(typeflag)} is not known`, name);
  // Before there was a type for folders, a slash at the end told them.
  return kind === 'file' && name.endsWith('/') ? 'folder' : kind;
}

function isFileFlag(typeflag: string): boolean {
  return KINDS[typeflag] === 'file';
}

function id(value: number, name: string): number {
  if (value >= 0 && value <= MAX_ID) return value;
  throw new LayerProblem(`its owner or group is ${value}`, name);
}

function padding(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
