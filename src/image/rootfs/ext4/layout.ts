/** The shape of the file systems that we make; mke2fs is told so and what it made is checked. */
export const BLOCK_BYTES = 4096;
export const INODE_BYTES = 256;
export const BLOCKS_PER_GROUP = 32_768;
export const DESCRIPTOR_BYTES = 64;
export const ROOT_INODE = 2;
/** The first that is nobody's in particular; those before are the kernel's. */
export const FIRST_INODE = 11;
export const MAX_SIZE_MIB = 16 * 1024 * 1024 - 1;

/** What contents take. */
export interface Needs {
  readonly inodes: number;
  readonly blocks: number;
}

const BLOCKS_PER_MIB = 256;
const INODES_PER_BLOCK = BLOCK_BYTES / INODE_BYTES;
const MAX_INODES_PER_GROUP = 8 * BLOCK_BYTES;
/** mke2fs refuses a journal in smaller ones. */
const MIN_SIZE_MIB = 16;
/** A file system may grow to so many times its size; mke2fs keeps room for the descriptors of that. */
const GROWTH = 1024;
const MAX_RESERVED_BLOCKS = 1024;
const DESCRIPTORS_PER_BLOCK = BLOCK_BYTES / DESCRIPTOR_BYTES;
/** What the count above may be wrong by: alignments, the inode for growing. */
const SLACK_BLOCKS = 128;
const ROOM_FACTOR = 2;
const ROOM_MIB = 1024;

/** MiB of the journal: what mke2fs chooses up to 1 GiB, and no more than a guest of a few GiB can use. */
export function journalMib(sizeMib: number): number {
  if (sizeMib < 128) return 4;
  return sizeMib < 1024 ? 16 : 64;
}

/** How many inodes: one for each 16 KiB as usual, or those that are needed and an eighth more. */
export function inodeCount(sizeMib: number, neededInodes: number): number {
  return Math.max(64 * sizeMib, FIRST_INODE + neededInodes + Math.ceil(neededInodes / 8));
}

/** The least size at which the contents fit, in MiB. */
export function neededMib(needs: Needs): number {
  let sizeMib = MIN_SIZE_MIB;
  for (let missing = missingBlocks(sizeMib, needs); missing > 0; missing = missingBlocks(sizeMib, needs))
    sizeMib += Math.ceil(missing / BLOCKS_PER_MIB);
  return sizeMib;
}

/** A size with room to work in. The image is sparse, so that room costs nothing until it is used. */
export function comfortableMib(needs: Needs): number {
  return Math.min(MAX_SIZE_MIB, ROOM_FACTOR * neededMib(needs) + ROOM_MIB);
}

/** How many blocks a file system of this size lacks; 0 or less: none. */
function missingBlocks(sizeMib: number, needs: Needs): number {
  let blocks = sizeMib * BLOCKS_PER_MIB;
  const inodes = inodeCount(sizeMib, needs.inodes);
  let groups = Math.ceil(blocks / BLOCKS_PER_GROUP);
  if (inodes / groups > MAX_INODES_PER_GROUP) return BLOCKS_PER_MIB;
  const tableBlocks = 8 * Math.ceil(inodes / groups / INODES_PER_BLOCK / 8);
  const headBlocks = descriptorBlocks(groups);
  // mke2fs leaves out a last group that would hold little more than its own tables.
  const lastGroup = blocks % BLOCKS_PER_GROUP;
  if (groups > 1 && lastGroup > 0 && lastGroup < tableBlocks + headBlocks + 64) {
    blocks -= lastGroup;
    groups -= 1;
  }
  const heads = Array.from({ length: groups }, (_, group) => group).filter(hasSuperblock).length;
  const own = heads * headBlocks + groups * (tableBlocks + 2) + journalMib(sizeMib) * BLOCKS_PER_MIB;
  return own + SLACK_BLOCKS + needs.blocks - blocks;
}

/** Superblock, descriptors and room for more of these, where a group begins with them. */
function descriptorBlocks(groups: number): number {
  const reserved = Math.min(MAX_RESERVED_BLOCKS, Math.ceil((groups * GROWTH) / DESCRIPTORS_PER_BLOCK));
  return 1 + Math.ceil(groups / DESCRIPTORS_PER_BLOCK) + reserved;
}

/** Group 0, 1 and the powers of 3, 5 and 7 hold copies of the superblock. */
export function hasSuperblock(group: number): boolean {
  if (group <= 1) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}
