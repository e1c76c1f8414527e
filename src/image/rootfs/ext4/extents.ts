import { crc32c } from './crc32c.ts';
import { BLOCK_BYTES } from './layout.ts';

/** Blocks of a file that lie together. */
export interface Extent {
  /** Which block of the file the first is. */
  readonly at: number;
  /** Which block of the file system. */
  readonly start: number;
  readonly count: number;
}

/** More do not fit into the 16 bits of an extent that tell also whether it was written. */
export const MAX_EXTENT_BLOCKS = 32_768;

const MAGIC = 0xf30a;
const ENTRY_BYTES = 12;
const IN_INODE = 4;
/** A block holds a header, so many entries and a checksum. */
const IN_BLOCK = Math.floor((BLOCK_BYTES - ENTRY_BYTES) / ENTRY_BYTES);

/** One block of an extent tree and where it goes. */
export interface TreeBlock {
  readonly block: number;
  readonly bytes: Buffer;
}

/** How many blocks of the file system index so many extents. */
export function treeBlockCount(extentCount: number): number {
  let [level, total] = [extentCount, 0];
  while (level > IN_INODE) {
    level = Math.ceil(level / IN_BLOCK);
    total += level;
  }
  return total;
}

/**
 * The extent tree of a file: what its inode holds (60 bytes) and the blocks below.
 *
 * @param allocate - gives a block of the file system
 * @param seed - checksum of the inode's number and generation
 */
export async function encodeExtents(
  extents: readonly Extent[],
  allocate: () => Promise<number>,
  seed: number,
): Promise<{ readonly inInode: Buffer; readonly blocks: readonly TreeBlock[] }> {
  const blocks: TreeBlock[] = [];
  let level: readonly Entry[] = extents.map(leafEntry);
  let depth = 0;
  while (level.length > IN_INODE) {
    const above: Entry[] = [];
    for (let first = 0; first < level.length; first += IN_BLOCK) {
      const entries = level.slice(first, first + IN_BLOCK);
      const bytes = Buffer.alloc(BLOCK_BYTES);
      writeNode(bytes, entries, IN_BLOCK, depth);
      bytes.writeUInt32LE(crc32c(seed, bytes.subarray(0, BLOCK_BYTES - 4)), BLOCK_BYTES - 4);
      const block = await allocate();
      blocks.push({ block, bytes });
      above.push(indexEntry(entries[0]?.at ?? 0, block));
    }
    level = above;
    depth += 1;
  }
  const inInode = Buffer.alloc(60);
  writeNode(inInode, level, IN_INODE, depth);
  return { inInode, blocks };
}

interface Entry {
  readonly at: number;
  readonly bytes: Buffer;
}

function leafEntry({ at, start, count }: Extent): Entry {
  const bytes = Buffer.alloc(ENTRY_BYTES);
  bytes.writeUInt32LE(at, 0);
  bytes.writeUInt16LE(count, 4);
  bytes.writeUInt32LE(start, 8);
  return { at, bytes };
}

function indexEntry(at: number, block: number): Entry {
  const bytes = Buffer.alloc(ENTRY_BYTES);
  bytes.writeUInt32LE(at, 0);
  bytes.writeUInt32LE(block, 4);
  return { at, bytes };
}

function writeNode(bytes: Buffer, entries: readonly Entry[], max: number, depth: number): void {
  bytes.writeUInt16LE(MAGIC, 0);
  bytes.writeUInt16LE(entries.length, 2);
  bytes.writeUInt16LE(max, 4);
  bytes.writeUInt16LE(depth, 6);
  entries.forEach((entry, index) => bytes.set(entry.bytes, ENTRY_BYTES * (index + 1)));
}
