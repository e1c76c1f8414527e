import { crc32c } from './crc32c.ts';
import { LayerProblem } from '../layer-problem.ts';
import { BLOCK_BYTES, INODE_BYTES } from './layout.ts';

/** Namespaces as ext4 has them, a number in place of the prefix; the longer ones stand first. */
const NAMESPACES: readonly (readonly [prefix: string, index: number])[] = [
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['user.', 1],
  ['trusted.', 4],
  ['security.', 6],
  ['system.', 7],
];
const ACL_INDEXES = [2, 3];

const MAGIC = 0xea02_0000;
const ENTRY_BYTES = 16;
/** Where an inode's own fields end. */
const INODE_FIELDS_BYTES = 160;
const IN_INODE_BYTES = INODE_BYTES - INODE_FIELDS_BYTES;
const BLOCK_HEADER_BYTES = 32;
const MAX_NAME_BYTES = 255;

interface DiskXattr {
  readonly index: number;
  /** Without the prefix. */
  readonly name: Buffer;
  readonly value: Buffer;
}

/** Extended attributes as they lie on the disk: at the end of the inode, else in a block of their own. */
export type EncodedXattrs =
  | { readonly kind: 'none' }
  | { readonly kind: 'inode'; readonly bytes: Buffer }
  | { readonly kind: 'block'; readonly bytes: Buffer };

/** Encodes them. Attributes of no namespace of Linux (macOS has such) are left out: no guest could read them. */
export function encodeXattrs(xattrs: ReadonlyMap<string, Buffer>): EncodedXattrs {
  if (xattrs.size === 0) return { kind: 'none' };
  const found = [...xattrs].flatMap(([name, value]) => diskXattr(name, value)).sort(inOrder);
  if (found.length === 0) return { kind: 'none' };
  const sizeBytes = found.reduce(
    (sum, { name, value }) => sum + ENTRY_BYTES + padded(name) + padded(value),
    4,
  );
  if (sizeBytes + 4 <= IN_INODE_BYTES) return { kind: 'inode', bytes: inInode(found) };
  if (sizeBytes + BLOCK_HEADER_BYTES <= BLOCK_BYTES) return { kind: 'block', bytes: inBlock(found) };
  throw new LayerProblem('its extended attributes take more than the 4 KiB that ext4 has for them');
}

/** Writes the checksum, which depends on where the block goes. */
export function sealXattrBlock(bytes: Buffer, block: number, uuidSeed: number): Buffer {
  const place = Buffer.alloc(8);
  place.writeUInt32LE(block);
  bytes.writeUInt32LE(0, 16);
  bytes.writeUInt32LE(crc32c(crc32c(uuidSeed, place), bytes), 16);
  return bytes;
}

function diskXattr(name: string, value: Buffer): readonly DiskXattr[] {
  const [prefix, index] = NAMESPACES.find(([known]) => name.startsWith(known)) ?? ['', 0];
  const isAcl = ACL_INDEXES.includes(index);
  const rest = Buffer.from(name.slice(prefix.length), 'latin1');
  if (index === 0 || (isAcl && rest.length > 0)) return [];
  if (rest.length > MAX_NAME_BYTES || (rest.length === 0 && !isAcl) || rest.includes(0))
    throw new LayerProblem('the name of an extended attribute cannot be');
  return [{ index, name: rest, value: isAcl ? diskAcl(value) : value }];
}

/** Programs see an access list as version 2 (8 bytes an entry), the disk has version 1 (names of owners left out). */
function diskAcl(value: Buffer): Buffer {
  if (value.length < 4 || value.length % 8 !== 4 || value.readUInt32LE(0) !== 2)
    throw new LayerProblem('an access list is damaged');
  const parts: Buffer[] = [Buffer.from([1, 0, 0, 0])];
  for (let at = 4; at < value.length; at += 8) {
    // Entries of a user (2) and of a group (8) tell which.
    const isNamed = [2, 8].includes(value.readUInt16LE(at));
    parts.push(value.subarray(at, at + (isNamed ? 8 : 4)));
  }
  return Buffer.concat(parts);
}

/** The kernel looks for them in this order. */
function inOrder(one: DiskXattr, other: DiskXattr): number {
  return one.index - other.index || one.name.length - other.name.length || one.name.compare(other.name);
}

function inInode(xattrs: readonly DiskXattr[]): Buffer {
  const bytes = Buffer.alloc(IN_INODE_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  writeEntries(bytes.subarray(4), 0, xattrs);
  return bytes;
}

function inBlock(xattrs: readonly DiskXattr[]): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(1, 4);
  bytes.writeUInt32LE(1, 8);
  const hashes = writeEntries(bytes, BLOCK_HEADER_BYTES, xattrs);
  bytes.writeUInt32LE(
    hashes.reduce((sum, hash) => ((sum << 16) ^ (sum >>> 16) ^ hash) >>> 0, 0),
    12,
  );
  return bytes;
}

/** Entries grow from `start` up and their values from the end down. Returns the entries' hashes. */
function writeEntries(bytes: Buffer, start: number, xattrs: readonly DiskXattr[]): readonly number[] {
  let [at, end] = [start, bytes.length];
  return xattrs.map(({ index, name, value }) => {
    end -= padded(value);
    const hash = hashOf(name, bytes.subarray(end, end + padded(value)), value);
    bytes.writeUInt8(name.length, at);
    bytes.writeUInt8(index, at + 1);
    bytes.writeUInt16LE(value.length === 0 ? 0 : end, at + 2);
    bytes.writeUInt32LE(value.length, at + 8);
    bytes.writeUInt32LE(hash, at + 12);
    bytes.set(name, at + ENTRY_BYTES);
    at += ENTRY_BYTES + padded(name);
    return hash;
  });
}

/** Puts the value into its room, and gives the hash of name and value. */
function hashOf(name: Buffer, room: Buffer, value: Buffer): number {
  room.set(value);
  let hash = 0;
  for (const byte of name) hash = ((hash << 5) ^ (hash >>> 27) ^ byte) >>> 0;
  for (let at = 0; at < room.length; at += 4)
    hash = ((hash << 16) ^ (hash >>> 16) ^ room.readUInt32LE(at)) >>> 0;
  return hash;
}

function padded(bytes: Buffer): number {
  return 4 * Math.ceil(bytes.length / 4);
}
