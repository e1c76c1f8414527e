import { crc32c } from './crc32c.ts';
import { BLOCK_BYTES } from './layout.ts';

/** A name in a folder of the file system. */
export interface DirectoryEntry {
  /** One character a byte. */
  readonly name: string;
  readonly inode: number;
  readonly type: DirectoryType;
}

/** The kind of file, told beside its name. */
export const DIRECTORY_TYPES = {
  file: 1,
  folder: 2,
  character: 3,
  block: 4,
  fifo: 5,
  symlink: 7,
} as const;

export type DirectoryType = (typeof DIRECTORY_TYPES)[keyof typeof DIRECTORY_TYPES];

const HEAD_BYTES = 8;
/** The end of each block: an entry without a name that holds a checksum. */
const TAIL_BYTES = 12;
const ROOM_BYTES = BLOCK_BYTES - TAIL_BYTES;
const TAIL_TYPE = 0xde;

/** How many blocks a folder with these names takes. '.' and '..' need not be among them. */
export function directoryBlockCount(names: Iterable<string>): number {
  let [blocks, used] = [1, entryBytes('.') + entryBytes('..')];
  for (const name of names) {
    const bytes = entryBytes(name);
    if (used + bytes > ROOM_BYTES) [blocks, used] = [blocks + 1, 0];
    used += bytes;
  }
  return blocks;
}

/**
 * The contents of a folder: blocks of names, one after the other as they are given, '.' and '..' first.
 *
 * @param seed - checksum of the inode's number and generation
 */
export function encodeDirectory(entries: readonly DirectoryEntry[], seed: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES * directoryBlockCount(entries.slice(2).map(({ name }) => name)));
  let [block, used, last] = [0, 0, 0];
  for (const entry of entries) {
    const length = entryBytes(entry.name);
    if (used + length > ROOM_BYTES) {
      closeBlock(bytes.subarray(block, block + BLOCK_BYTES), last, seed);
      [block, used] = [block + BLOCK_BYTES, 0];
    }
    last = used;
    writeEntry(bytes.subarray(block + used, block + used + length), entry);
    used += length;
  }
  closeBlock(bytes.subarray(block, block + BLOCK_BYTES), last, seed);
  return bytes;
}

function entryBytes(name: string): number {
  return HEAD_BYTES + 4 * Math.ceil(name.length / 4);
}

function writeEntry(bytes: Buffer, { name, inode, type }: DirectoryEntry): void {
  bytes.writeUInt32LE(inode, 0);
  bytes.writeUInt16LE(bytes.length, 4);
  bytes.writeUInt8(name.length, 6);
  bytes.writeUInt8(type, 7);
  bytes.write(name, HEAD_BYTES, 'latin1');
}

/** Stretches the last entry to the tail and writes that. */
function closeBlock(block: Buffer, last: number, seed: number): void {
  block.writeUInt16LE(ROOM_BYTES - last, last + 4);
  block.writeUInt16LE(TAIL_BYTES, ROOM_BYTES + 4);
  block.writeUInt8(TAIL_TYPE, ROOM_BYTES + 7);
  block.writeUInt32LE(crc32c(seed, block.subarray(0, ROOM_BYTES)), ROOM_BYTES + 8);
}
