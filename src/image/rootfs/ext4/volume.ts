import { SmolVMError } from '../../../errors.ts';
import { MAX_EXTENT_BLOCKS, type Extent } from './extents.ts';
import { Groups, type ImageBytes } from './groups.ts';
import { BLOCK_BYTES, BLOCKS_PER_GROUP, FIRST_INODE, ROOT_INODE } from './layout.ts';
import { Superblock, SUPERBLOCK_AT, SUPERBLOCK_BYTES } from './superblock.ts';

/**
 * A file system fresh from mke2fs, whose root and lost+found are taken out again, to be filled from its begin: blocks are
 * handed out in rising order and never given back.
 */
export class Volume {
  readonly superblock: Superblock;
  readonly #groups: Groups;
  #nextBlock = 0;

  private constructor(superblock: Superblock, groups: Groups) {
    this.superblock = superblock;
    this.#groups = groups;
  }

  static async open(image: ImageBytes): Promise<Volume> {
    const superblock = new Superblock(await image.read(SUPERBLOCK_AT, SUPERBLOCK_BYTES));
    const groups = await Groups.read(superblock, image);
    const volume = new Volume(superblock, groups);
    await volume.#empty(image, ROOT_INODE);
    await volume.#empty(image, FIRST_INODE);
    return volume;
  }

  /** Takes the inode of this number. */
  async takeInode(inode: number, isFolder: boolean): Promise<void> {
    const { inodesPerGroup } = this.superblock;
    const group = await this.#groups.load(Math.floor((inode - 1) / inodesPerGroup));
    group.inodes.set((inode - 1) % inodesPerGroup, 1);
    group.takenInodes += 1;
    if (isFolder) group.takenFolders += 1;
  }

  inodeAt(inode: number): number {
    return this.#groups.inodeAt(inode);
  }

  /** Blocks for `count` blocks of a file from its block `at` on: as few runs as there can be. */
  async takeBlocks(at: number, count: number): Promise<readonly Extent[]> {
    const extents: Extent[] = [];
    for (let taken = 0; taken < count;) {
      const run = await this.#takeRun(Math.min(count - taken, MAX_EXTENT_BLOCKS));
      const last = extents.at(-1);
      // A run ends with its group, where often the next one goes on.
      if (last !== undefined && isContinued(last, run.start, run.count))
        extents.splice(-1, 1, { ...last, count: last.count + run.count });
      else extents.push({ at: at + taken, ...run });
      taken += run.count;
    }
    return extents;
  }

  async takeBlock(): Promise<number> {
    return (await this.#takeRun(1)).start;
  }

  /** Writes the maps and counts. */
  async save(): Promise<void> {
    await this.#groups.save();
  }

  async #takeRun(maxCount: number): Promise<{ start: number; count: number }> {
    while (this.#nextBlock < this.superblock.blockCount) {
      const index = Math.floor(this.#nextBlock / BLOCKS_PER_GROUP);
      const group = await this.#groups.load(index);
      const from = group.blocks.firstFree(this.#nextBlock % BLOCKS_PER_GROUP, group.blockCount);
      const count = group.blocks.freeRun(from, Math.min(group.blockCount, from + maxCount));
      const start = index * BLOCKS_PER_GROUP + from;
      this.#nextBlock = count === 0 ? (index + 1) * BLOCKS_PER_GROUP : start + count;
      if (count === 0) continue;
      group.blocks.set(from, count);
      group.takenBlocks += count;
      return { start, count };
    }
    throw new SmolVMError('INTERNAL', 'the file system is full, though its contents should fit');
  }

  /** Gives the inode of a folder and its blocks back. mke2fs makes them of one extent. */
  async #empty(image: ImageBytes, inode: number): Promise<void> {
    const at = this.inodeAt(inode);
    const bytes = await image.read(at, 128);
    const [entries, depth] = [bytes.readUInt16LE(0x2a), bytes.readUInt16LE(0x2e)];
    const [count, first] = [bytes.readUInt16LE(0x38), bytes.readUInt32LE(0x3c)];
    if (entries !== 1 || depth !== 0)
      throw new SmolVMError('HOST_FAILED', `mke2fs made inode ${inode} of more than one extent`);
    const group = await this.#groups.load(Math.floor(first / BLOCKS_PER_GROUP));
    group.blocks.clear(first % BLOCKS_PER_GROUP, count);
    group.takenBlocks -= count;
    const holder = await this.#groups.load(0);
    holder.inodes.clear(inode - 1, 1);
    holder.takenInodes -= 1;
    holder.takenFolders -= 1;
    // What is left of it must not be read as part of what comes there.
    await image.write(first * BLOCK_BYTES, Buffer.alloc(count * BLOCK_BYTES));
  }
}

function isContinued(extent: Extent, start: number, count: number): boolean {
  return extent.start + extent.count === start && extent.count + count <= MAX_EXTENT_BLOCKS;
}
