import { SmolVMError } from '../errors.ts';

/** An empty qcow2 image over a raw one: where each piece of it goes. All else in the file is a hole. */
export interface Qcow2Layout {
  readonly fileBytes: number;
  readonly pieces: readonly { readonly position: number; readonly bytes: Buffer }[];
}

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = 2 ** CLUSTER_BITS;
/** One level-1 entry covers a cluster of 8-byte level-2 entries, each for a cluster of data: 512 MiB. */
const L1_ENTRY_COVERS = (CLUSTER_BYTES / 8) * CLUSTER_BYTES;
const HEADER_BYTES = 104;
const L1_POSITION = 3 * CLUSTER_BYTES;
const EXTENSION_BACKING_FORMAT = 0xe279_2aca;
/** The longest backing path that the format allows. */
const MAX_BACKING_PATH_BYTES = 1_023;

/**
 * A new overlay, version 3 of the format, 64 KiB clusters, 16-bit reference counts: cluster 0 header, 1 reference count
 * table, 2 its first block, 3 onwards the level-1 table. Layout from qemu: docs/interop/qcow2.txt. Writing it takes well
 * below a millisecond; running qemu-img takes more than ten.
 */
export function qcow2Overlay(sizeBytes: number, backingPath: string): Qcow2Layout {
  const backing = Buffer.from(backingPath, 'utf8');
  if (backing.length > MAX_BACKING_PATH_BYTES) {
    throw new SmolVMError(
      'INVALID_ARGUMENT',
      `the path of the image has ${String(backing.length)} bytes, at most ${String(MAX_BACKING_PATH_BYTES)} are possible`,
      {
        hint: 'Move the image to a shorter path.',
      },
    );
  }
  const l1Entries = Math.ceil(sizeBytes / L1_ENTRY_COVERS);
  const l1Clusters = Math.ceil((l1Entries * 8) / CLUSTER_BYTES);
  const usedClusters = 3 + l1Clusters;
  return {
    fileBytes: usedClusters * CLUSTER_BYTES,
    pieces: [
      { position: 0, bytes: header(sizeBytes, l1Entries, backing) },
      { position: CLUSTER_BYTES, bytes: bigEndian64(2 * CLUSTER_BYTES) },
      { position: 2 * CLUSTER_BYTES, bytes: usedOnce(usedClusters) },
    ],
  };
}

function header(sizeBytes: number, l1Entries: number, backing: Buffer): Buffer {
  const format = Buffer.from('raw\0\0\0\0\0', 'latin1');
  const extensions = Buffer.concat([
    bigEndian32(EXTENSION_BACKING_FORMAT),
    bigEndian32(3),
    format,
    Buffer.alloc(8),
  ]);
  const fixed = Buffer.alloc(HEADER_BYTES);
  fixed.write('QFI\xfb', 0, 'latin1');
  fixed.writeUInt32BE(3, 4);
  fixed.writeBigUInt64BE(BigInt(HEADER_BYTES + extensions.length), 8);
  fixed.writeUInt32BE(backing.length, 16);
  fixed.writeUInt32BE(CLUSTER_BITS, 20);
  fixed.writeBigUInt64BE(BigInt(sizeBytes), 24);
  fixed.writeUInt32BE(l1Entries, 36);
  fixed.writeBigUInt64BE(BigInt(L1_POSITION), 40);
  fixed.writeBigUInt64BE(BigInt(CLUSTER_BYTES), 48);
  fixed.writeUInt32BE(1, 56);
  // Reference counts have 2 to the power of this many bits.
  fixed.writeUInt32BE(4, 96);
  fixed.writeUInt32BE(HEADER_BYTES, 100);
  return Buffer.concat([fixed, extensions, backing]);
}

/** A reference count block in which the first `clusters` clusters are used once. */
function usedOnce(clusters: number): Buffer {
  const block = Buffer.alloc(clusters * 2);
  for (let cluster = 0; cluster < clusters; cluster += 1) block.writeUInt16BE(1, cluster * 2);
  return block;
}

function bigEndian32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function bigEndian64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** A header as it was read: the size of the virtual disk, or what is wrong with it. */
export type Qcow2Header =
  { readonly problem: undefined; readonly sizeBytes: number } | { readonly problem: string };

/** Bits of `incompatible_features`: 0 an unclean end, which QEMU repairs; 1 damaged; all others are not for us. */
const KNOWN_INCOMPATIBLE = 1n;
const CORRUPT = 2n;

/** The first 104 bytes of a file → is it an overlay as {@link qcow2Overlay} makes them? Pure. */
export function parseQcow2Header(header: Buffer, fileBytes: number): Qcow2Header {
  const isOurs =
    header.length >= HEADER_BYTES &&
    header.toString('latin1', 0, 4) === 'QFI\xfb' &&
    header.readUInt32BE(4) === 3 &&
    header.readUInt32BE(20) === CLUSTER_BITS &&
    header.readBigUInt64BE(40) === BigInt(L1_POSITION);
  if (!isOurs) return { problem: 'is not a disk of smolvm' };
  const incompatible = header.readBigUInt64BE(72);
  if ((incompatible & CORRUPT) !== 0n) return { problem: 'is marked as damaged' };
  if ((incompatible & ~KNOWN_INCOMPATIBLE) !== 0n)
    return { problem: 'needs features that are not known here' };
  const [sizeBytes, l1Entries] = [Number(header.readBigUInt64BE(24)), header.readUInt32BE(36)];
  if (l1Entries < Math.ceil(sizeBytes / L1_ENTRY_COVERS) || fileBytes < L1_POSITION + l1Entries * 8)
    return { problem: 'is cut off' };
  return { problem: undefined, sizeBytes };
}

/**
 * What to write over the header of a sound overlay so that its disk has this size: from the size to the number of
 * level-1 entries, with what is between them as it was. The entries that are added are zeros already, for up to 4 TiB:
 * the rest of a cluster that nobody writes.
 */
export function grownFields(header: Buffer, sizeBytes: number): { position: number; bytes: Buffer } {
  const l1Entries = Math.ceil(sizeBytes / L1_ENTRY_COVERS);
  const l1Bytes = Math.ceil((header.readUInt32BE(36) * 8) / CLUSTER_BYTES) * CLUSTER_BYTES;
  if (l1Entries * 8 > l1Bytes || sizeBytes < Number(header.readBigUInt64BE(24)))
    throw new SmolVMError('INTERNAL', `a disk cannot be made to have ${String(sizeBytes)} bytes in place`);
  const bytes = Buffer.from(header.subarray(24, 40));
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 0);
  bytes.writeUInt32BE(l1Entries, 12);
  return { position: 24, bytes };
}
