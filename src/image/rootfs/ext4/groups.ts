import { SmolVMError } from '../../../errors.ts';
import { Bitmap } from './bitmap.ts';
import { crc32c, crc32cOfNumber } from './crc32c.ts';
import { BLOCK_BYTES, BLOCKS_PER_GROUP, DESCRIPTOR_BYTES, hasSuperblock, INODE_BYTES } from './layout.ts';
import type { Superblock } from './superblock.ts';

/** Reads and writes bytes of the image at a place. */
export interface ImageBytes {
  read(at: number, lengthBytes: number): Promise<Buffer>;
  write(at: number, bytes: Buffer): Promise<void>;
}

/** The group's table of inodes was never written; so was its map of blocks. */
const INODES_UNUSED = 1;
const BLOCKS_UNUSED = 2;

/** A group of blocks and inodes whose maps are in memory. */
export interface Group {
  readonly index: number;
  readonly blocks: Bitmap;
  readonly inodes: Bitmap;
  readonly blockCount: number;
  takenBlocks: number;
  takenInodes: number;
  takenFolders: number;
}

/** The groups of a file system. Only those are held that something was put into. */
export class Groups {
  readonly #superblock: Superblock;
  readonly #image: ImageBytes;
  readonly #descriptors: Buffer;
  readonly #loaded = new Map<number, Group>();

  private constructor(superblock: Superblock, image: ImageBytes, descriptors: Buffer) {
    this.#superblock = superblock;
    this.#image = image;
    this.#descriptors = descriptors;
  }

  static async read(superblock: Superblock, image: ImageBytes): Promise<Groups> {
    const descriptors = await image.read(BLOCK_BYTES, superblock.groupCount * DESCRIPTOR_BYTES);
    return new Groups(superblock, image, descriptors);
  }

  /** The byte of the image where the inode lies. */
  inodeAt(inode: number): number {
    const { inodesPerGroup } = this.#superblock;
    const table = this.#descriptor(Math.floor((inode - 1) / inodesPerGroup)).readUInt32LE(0x08);
    return table * BLOCK_BYTES + ((inode - 1) % inodesPerGroup) * INODE_BYTES;
  }

  async load(index: number): Promise<Group> {
    const known = this.#loaded.get(index);
    if (known !== undefined) return known;
    const descriptor = this.#descriptor(index);
    const flags = descriptor.readUInt16LE(0x12);
    const { blockCount, inodesPerGroup } = this.#superblock;
    const group: Group = {
      index,
      blockCount: Math.min(BLOCKS_PER_GROUP, blockCount - index * BLOCKS_PER_GROUP),
      blocks:
        (flags & BLOCKS_UNUSED) === 0
          ? await this.#map(descriptor.readUInt32LE(0))
          : this.#unusedBlocks(index),
      inodes:
        (flags & INODES_UNUSED) === 0
          ? await this.#map(descriptor.readUInt32LE(4))
          : unusedInodes(inodesPerGroup),
      takenBlocks: 0,
      takenInodes: 0,
      takenFolders: 0,
    };
    const free = descriptor.readUInt16LE(0x0c) + descriptor.readUInt16LE(0x2c) * 2 ** 16;
    if (group.blockCount - group.blocks.count(group.blockCount) !== free)
      throw new SmolVMError(
        'HOST_FAILED',
        `mke2fs made a file system whose group ${index} is not as expected`,
        {
          hint: 'Use e2fsprogs 1.47 or a version near it.',
        },
      );
    this.#loaded.set(index, group);
    return group;
  }

  /** Writes the maps and descriptors of all groups that were loaded, and the superblock. */
  async save(): Promise<void> {
    let [blocks, inodes] = [0, 0];
    for (const group of this.#loaded.values()) {
      await this.#save(group);
      blocks += group.takenBlocks;
      inodes += group.takenInodes;
    }
    await this.#image.write(BLOCK_BYTES, this.#descriptors);
    await this.#image.write(1024, this.#superblock.sealed(blocks, inodes));
  }

  async #save(group: Group): Promise<void> {
    const { seed, inodesPerGroup } = this.#superblock;
    const descriptor = this.#descriptor(group.index);
    await this.#image.write(descriptor.readUInt32LE(0) * BLOCK_BYTES, group.blocks.bytes);
    await this.#image.write(descriptor.readUInt32LE(4) * BLOCK_BYTES, group.inodes.bytes);
    add(descriptor, 0x0c, 0x2c, -group.takenBlocks);
    add(descriptor, 0x0e, 0x2e, -group.takenInodes);
    add(descriptor, 0x10, 0x30, group.takenFolders);
    put(descriptor, 0x1c, 0x32, inodesPerGroup - highest(group.inodes, inodesPerGroup));
    put(descriptor, 0x18, 0x38, crc32c(seed, group.blocks.bytes));
    put(descriptor, 0x1a, 0x3a, crc32c(seed, group.inodes.bytes.subarray(0, inodesPerGroup / 8)));
    descriptor.writeUInt16LE(descriptor.readUInt16LE(0x12) & ~(INODES_UNUSED | BLOCKS_UNUSED), 0x12);
    descriptor.writeUInt16LE(0, 0x1e);
    descriptor.writeUInt16LE(crc32c(crc32cOfNumber(seed, group.index), descriptor) & 0xffff, 0x1e);
  }

  async #map(block: number): Promise<Bitmap> {
    return new Bitmap(await this.#image.read(block * BLOCK_BYTES, BLOCK_BYTES));
  }

  /** What is taken in a group whose map was never written: copies of the superblock, maps and tables of inodes. */
  #unusedBlocks(index: number): Bitmap {
    const { groupCount, blockCount, reservedDescriptorBlocks, inodesPerGroup } = this.#superblock;
    const first = index * BLOCKS_PER_GROUP;
    const end = Math.min(first + BLOCKS_PER_GROUP, blockCount);
    const map = new Bitmap(Buffer.alloc(BLOCK_BYTES));
    const take = (from: number, count: number): void => {
      const start = Math.max(from, first);
      const stop = Math.min(from + count, end);
      if (start < stop) map.set(start - first, stop - start);
    };
    if (hasSuperblock(index))
      take(first, 1 + Math.ceil((groupCount * DESCRIPTOR_BYTES) / BLOCK_BYTES) + reservedDescriptorBlocks);
    for (let other = 0; other < groupCount; other += 1) {
      const descriptor = this.#descriptor(other);
      take(descriptor.readUInt32LE(0), 1);
      take(descriptor.readUInt32LE(4), 1);
      take(descriptor.readUInt32LE(8), Math.ceil((inodesPerGroup * INODE_BYTES) / BLOCK_BYTES));
    }
    map.set(end - first, BLOCKS_PER_GROUP - (end - first));
    return map;
  }

  #descriptor(index: number): Buffer {
    return this.#descriptors.subarray(index * DESCRIPTOR_BYTES, (index + 1) * DESCRIPTOR_BYTES);
  }
}

function unusedInodes(inodesPerGroup: number): Bitmap {
  const map = new Bitmap(Buffer.alloc(BLOCK_BYTES));
  map.set(inodesPerGroup, 8 * BLOCK_BYTES - inodesPerGroup);
  return map;
}

/** One more than the last inode that is taken. */
function highest(inodes: Bitmap, inodesPerGroup: number): number {
  let count = inodesPerGroup;
  while (count > 0 && !inodes.has(count - 1)) count -= 1;
  return count;
}

/** Numbers in a descriptor have their lower 16 bits here and the upper ones there. */
function put(descriptor: Buffer, low: number, high: number, value: number): void {
  descriptor.writeUInt16LE(value & 0xffff, low);
  descriptor.writeUInt16LE(value >>> 16, high);
}

function add(descriptor: Buffer, low: number, high: number, change: number): void {
  put(descriptor, low, high, descriptor.readUInt16LE(low) + descriptor.readUInt16LE(high) * 2 ** 16 + change);
}
