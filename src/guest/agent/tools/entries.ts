import { malformed, type ChunkReader } from './chunk-reader.ts';

const TYPES = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  b: 'blockDevice',
  c: 'characterDevice',
  p: 'fifo',
  s: 'socket',
} as const;

/** What a path of the guest is. Strings of the guest: escape them before showing. */
export interface GuestEntry {
  /** In a listing the name, else the path as it was asked for. Bytes that are no UTF-8 are U+FFFD here. */
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly type: (typeof TYPES)[keyof typeof TYPES];
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number;
  /** Where a symlink points to; null for others. */
  readonly linkTarget: string | null;
}

const MAX_PATH_BYTES = 8_192;

/** Reads one record of the tools `stat`, `lstat` and `list`. */
export async function readEntry(reader: ChunkReader): Promise<GuestEntry> {
  const type = TYPES[String.fromCharCode(await reader.u8()) as keyof typeof TYPES] as GuestEntry['type'] | undefined;
  if (type === undefined) throw malformed('an entry of an unknown type');
  const [mode, uid, gid] = [await reader.u32(), await reader.u32(), await reader.u32()];
  const [sizeBytes, modifiedAtMs] = [await reader.u64('a size'), await reader.timeMs()];
  const nameBytes = await reader.bytes('a name', MAX_PATH_BYTES);
  const target = await reader.bytes('a link', MAX_PATH_BYTES);
  const linkTarget = type === 'symlink' ? target.toString('utf8') : null;
  const name = nameBytes.toString('utf8');
  return Object.freeze({ name, nameBytes, type, mode: mode & 0o7777, uid, gid, sizeBytes, modifiedAtMs, linkTarget });
}
