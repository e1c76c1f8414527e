import type { Meta, Node } from '../tree/nodes.ts';
import { crc32c, crc32cOfNumber } from './crc32c.ts';
import { BLOCK_BYTES, INODE_BYTES } from './layout.ts';

/** Where the extra fields end, the 32 bytes after the first 128. */
const EXTRA_BYTES = 32;
const EXTENTS_FLAG = 0x8_0000;
/** Targets up to this length stand in the inode itself. */
export const MAX_FAST_TARGET_BYTES = 59;
/** A folder with more links than the field holds has 1: nobody counts them. */
const MAX_LINKS = 65_000;

const FORMATS: Readonly<Record<Node['kind'], number>> = {
  fifo: 0o010000,
  character: 0o020000,
  folder: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
};

/** All that an inode tells. */
export interface Inode {
  readonly kind: Node['kind'];
  readonly meta: Meta;
  readonly links: number;
  readonly sizeBytes: number;
  /** Blocks of the file system: contents, extent tree and extended attributes. */
  readonly blockCount: number;
  /** 60 bytes: extents, a short target or the numbers of a device. */
  readonly body: Buffer;
  readonly hasExtents: boolean;
  /** The block of extended attributes, or 0. */
  readonly xattrBlock: number;
  /** Extended attributes at its end; empty: none. */
  readonly xattrs: Buffer;
}

/** What the checksums of an inode and of its blocks begin with. */
export function inodeSeed(uuidSeed: number, number: number): number {
  return crc32cOfNumber(crc32cOfNumber(uuidSeed, number), 0);
}

/** An inode as it lies in its table. All its times are that of its last change: the archive tells no other. */
export function encodeInode(inode: Inode, seed: number): Buffer {
  const { meta, sizeBytes } = inode;
  const bytes = Buffer.alloc(INODE_BYTES);
  const low = (value: number, at: number): void => void bytes.writeUInt16LE(value & 0xffff, at);
  const word = (value: number, at: number): void => void bytes.writeUInt32LE(value % 2 ** 32, at);
  const sectors = inode.blockCount * (BLOCK_BYTES / 512);
  low(FORMATS[inode.kind] | meta.mode, 0x00);
  low(meta.uid, 0x02);
  low(meta.uid >>> 16, 0x78);
  low(meta.gid, 0x18);
  low(meta.gid >>> 16, 0x7a);
  word(sizeBytes, 0x04);
  word(Math.floor(sizeBytes / 2 ** 32), 0x6c);
  low(linksOf(inode), 0x1a);
  word(sectors, 0x1c);
  low(Math.floor(sectors / 2 ** 32), 0x74);
  word(inode.hasExtents ? EXTENTS_FLAG : 0, 0x20);
  bytes.set(inode.body, 0x28);
  word(inode.xattrBlock, 0x68);
  low(EXTRA_BYTES, 0x80);
  writeTimes(bytes, meta);
  bytes.set(inode.xattrs, 128 + EXTRA_BYTES);
  const checksum = crc32c(seed, bytes);
  low(checksum, 0x7c);
  low(checksum >>> 16, 0x82);
  return bytes;
}

/** The body of a device's inode: small numbers in the old form, others in the new. */
export function deviceBody(major: number, minor: number): Buffer {
  const body = Buffer.alloc(60);
  if (major < 256 && minor < 256) body.writeUInt32LE((major << 8) | minor, 0);
  else body.writeUInt32LE(((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, 4);
  return body;
}

function linksOf({ kind, links }: Inode): number {
  return kind === 'folder' && links > MAX_LINKS ? 1 : links;
}

const FIRST_SECOND = -(2 ** 31);
const LAST_SECOND = 2 ** 34 - 2 ** 31 - 1;

/** Seconds since 1970 in 34 bits, the upper two beside the nanoseconds: 1901 to 2446. */
function writeTimes(bytes: Buffer, { mtime }: Meta): void {
  const seconds = Math.min(LAST_SECOND, Math.max(FIRST_SECOND, mtime.seconds));
  const epoch = Math.floor((seconds - FIRST_SECOND) / 2 ** 32);
  const extra = mtime.nanoseconds * 4 + epoch;
  for (const [at, extraAt] of [
    [0x08, 0x8c],
    [0x0c, 0x84],
    [0x10, 0x88],
    [0x90, 0x94],
  ] as const) {
    bytes.writeInt32LE(seconds - epoch * 2 ** 32, at);
    bytes.writeUInt32LE(extra, extraAt);
  }
}
