import { SmolVMError } from '../../../errors.ts';
import { CRC_START, crc32c } from './crc32c.ts';
import { BLOCK_BYTES, BLOCKS_PER_GROUP, DESCRIPTOR_BYTES, FIRST_INODE, INODE_BYTES } from './layout.ts';

export const SUPERBLOCK_AT = 1024;
export const SUPERBLOCK_BYTES = 1024;

/** The features that we ask mke2fs for, and the bits by which the file system tells that it has these and no others. */
export const FEATURES =
  'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum';

/** Fields that we rely on: where they are, how long, what they must say, what that means. */
const EXPECTED: readonly (readonly [at: number, bytes: 2 | 4, value: number, what: string])[] = [
  [0x14, 4, 0, 'first block'],
  [0x18, 4, Math.log2(BLOCK_BYTES) - 10, 'block size'],
  [0x20, 4, BLOCKS_PER_GROUP, 'blocks in a group'],
  [0x38, 2, 0xef53, 'magic number'],
  [0x54, 4, FIRST_INODE, 'first inode'],
  [0x58, 2, INODE_BYTES, 'inode size'],
  [0x5c, 4, 0x3c, 'compatible features'],
  [0x60, 4, 0x2c2, 'incompatible features'],
  [0x64, 4, 0x46b, 'read-only features'],
  [0xfe, 2, DESCRIPTOR_BYTES, 'descriptor size'],
  [0x150, 4, 0, 'size beyond 16 TiB'],
];

/** The first superblock of a file system that mke2fs has just made. */
export class Superblock {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    for (const [at, length, value, what] of EXPECTED) {
      const found = bytes.readUIntLE(at, length);
      if (found !== value)
        throw new SmolVMError(
          'HOST_FAILED',
          `mke2fs made a file system with another ${what}: 0x${found.toString(16)}`,
          {
            hint: 'Use e2fsprogs 1.47 or a version near it.',
          },
        );
    }
    this.#bytes = bytes;
  }

  get blockCount(): number {
    return this.#bytes.readUInt32LE(0x04);
  }

  get inodesPerGroup(): number {
    return this.#bytes.readUInt32LE(0x28);
  }

  get reservedDescriptorBlocks(): number {
    return this.#bytes.readUInt16LE(0xce);
  }

  get groupCount(): number {
    return Math.ceil(this.blockCount / BLOCKS_PER_GROUP);
  }

  get freeBlocks(): number {
    return this.#bytes.readUInt32LE(0x0c);
  }

  /** What all checksums in this file system begin with. */
  get seed(): number {
    return crc32c(CRC_START, this.#bytes.subarray(0x68, 0x78));
  }

  /** With the counts changed by what was taken (less than 0: given back). */
  sealed(takenBlocks: number, takenInodes: number): Buffer {
    const bytes = Buffer.from(this.#bytes);
    bytes.writeUInt32LE(this.freeBlocks - takenBlocks, 0x0c);
    bytes.writeUInt32LE(this.#bytes.readUInt32LE(0x10) - takenInodes, 0x10);
    bytes.writeUInt32LE(crc32c(CRC_START, bytes.subarray(0, 0x3fc)), 0x3fc);
    return bytes;
  }
}
