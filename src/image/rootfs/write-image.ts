import { deviceBody, encodeInode, inodeSeed, MAX_FAST_TARGET_BYTES, type Inode } from './ext4/inode.ts';
import { DIRECTORY_TYPES, encodeDirectory } from './ext4/directory.ts';
import { encodeExtents, type Extent } from './ext4/extents.ts';
import { BLOCK_BYTES } from './ext4/layout.ts';
import type { Volume } from './ext4/volume.ts';
import { encodeXattrs, sealXattrBlock } from './ext4/xattrs.ts';
import { GatheredWriter, type RandomFile, type WindowReader } from './image-file.ts';
import { pieceBlockCount, sortedPlaces, type Plan, type PlannedNode } from './plan.ts';
import type { Content, FolderNode, Node } from './tree/nodes.ts';

/** What an image is filled with. */
export interface ImageSource {
  readonly plan: Plan;
  readonly contents: WindowReader;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** What stands in an inode about its contents. */
type Body = Pick<Inode, 'sizeBytes' | 'blockCount' | 'body' | 'hasExtents'>;

/** Fills a file system fresh from mke2fs. */
export class ImageWriter {
  readonly #volume: Volume;
  readonly #source: ImageSource;
  /** Contents and inodes lie apart, each in rising order. */
  readonly #blocks: GatheredWriter;
  readonly #inodes: GatheredWriter;
  #copiedBytes = 0;

  constructor(file: RandomFile, volume: Volume, source: ImageSource) {
    this.#volume = volume;
    this.#source = source;
    this.#blocks = new GatheredWriter(file, BLOCK_BYTES);
    this.#inodes = new GatheredWriter(file, 1);
  }

  async write(): Promise<void> {
    for (const planned of this.#source.plan.nodes.values()) {
      this.#source.signal.throwIfAborted();
      await this.#writeNode(planned);
    }
    await this.#blocks.flush();
    await this.#inodes.flush();
    await this.#volume.save();
  }

  async #writeNode(planned: PlannedNode): Promise<void> {
    const { node, inode, links } = planned;
    const seed = inodeSeed(this.#volume.superblock.seed, inode);
    await this.#volume.takeInode(inode, node.kind === 'folder');
    const body = await this.#writeBody(planned, seed);
    const xattrs = encodeXattrs(node.meta.xattrs);
    const xattrBlock = xattrs.kind === 'block' ? await this.#volume.takeBlock() : 0;
    if (xattrs.kind === 'block')
      await this.#writeBlocks(
        xattrBlock,
        sealXattrBlock(xattrs.bytes, xattrBlock, this.#volume.superblock.seed),
      );
    const encoded = encodeInode(
      {
        ...body,
        kind: node.kind,
        meta: node.meta,
        links,
        blockCount: body.blockCount + (xattrBlock === 0 ? 0 : 1),
        xattrBlock,
        xattrs: xattrs.kind === 'inode' ? xattrs.bytes : Buffer.alloc(0),
      },
      seed,
    );
    await this.#inodes.write(this.#volume.inodeAt(inode), encoded);
  }

  async #writeBody({ node, inode, parent }: PlannedNode, seed: number): Promise<Body> {
    switch (node.kind) {
      case 'folder':
        return this.#writeBytes(this.#directory(node, inode, parent, seed), seed);
      case 'file':
        return this.#copy(node.content, seed);
      case 'symlink': {
        const target = Buffer.from(node.target, 'latin1');
        if (target.length > MAX_FAST_TARGET_BYTES) return this.#writeBytes(target, seed);
        return {
          ...noContents(Buffer.concat([target, Buffer.alloc(60 - target.length)])),
          sizeBytes: target.length,
        };
      }
      case 'character':
      case 'block':
        return noContents(deviceBody(node.major, node.minor));
      case 'fifo':
        return noContents(Buffer.alloc(60));
    }
  }

  #directory(folder: FolderNode, inode: number, parent: FolderNode, seed: number): Buffer {
    const inodeOf = (node: Node): number => this.#source.plan.nodes.get(node)?.inode ?? 0;
    const entries = sortedPlaces(folder).map(([name, { node }]) => ({
      name,
      inode: inodeOf(node),
      type: DIRECTORY_TYPES[node.kind],
    }));
    const type = DIRECTORY_TYPES.folder;
    return encodeDirectory(
      [{ name: '.', inode, type }, { name: '..', inode: inodeOf(parent), type }, ...entries],
      seed,
    );
  }

  async #writeBytes(bytes: Buffer, seed: number): Promise<Body> {
    const extents = await this.#volume.takeBlocks(0, Math.ceil(bytes.length / BLOCK_BYTES));
    for (const { at, start, count } of extents)
      await this.#writeBlocks(start, bytes.subarray(at * BLOCK_BYTES, (at + count) * BLOCK_BYTES));
    return this.#finish(extents, bytes.length, seed);
  }

  async #copy({ sizeBytes, pieces }: Content, seed: number): Promise<Body> {
    const extents: Extent[] = [];
    for (const piece of pieces) {
      let [from, left] = [piece.spoolAt, piece.lengthBytes];
      for (const extent of await this.#volume.takeBlocks(piece.at / BLOCK_BYTES, pieceBlockCount(piece))) {
        const length = Math.min(left, extent.count * BLOCK_BYTES);
        await this.#copyBytes(from, extent.start * BLOCK_BYTES, length);
        [from, left] = [from + length, left - length];
        extents.push(extent);
      }
    }
    return this.#finish(extents, sizeBytes, seed);
  }

  async #copyBytes(from: number, to: number, lengthBytes: number): Promise<void> {
    const { contents, onBytes, signal } = this.#source;
    for (let done = 0; done < lengthBytes;) {
      signal.throwIfAborted();
      const bytes = await contents.read(from + done, lengthBytes - done);
      await this.#blocks.write(to + done, bytes);
      done += bytes.length;
      this.#copiedBytes += bytes.length;
      onBytes(this.#copiedBytes);
    }
  }

  async #finish(extents: readonly Extent[], sizeBytes: number, seed: number): Promise<Body> {
    const { inInode, blocks } = await encodeExtents(extents, () => this.#volume.takeBlock(), seed);
    for (const { block, bytes } of blocks) await this.#writeBlocks(block, bytes);
    const dataBlocks = extents.reduce((sum, { count }) => sum + count, 0);
    return { sizeBytes, blockCount: dataBlocks + blocks.length, body: inInode, hasExtents: true };
  }

  async #writeBlocks(block: number, bytes: Buffer): Promise<void> {
    await this.#blocks.write(block * BLOCK_BYTES, bytes);
  }
}

function noContents(body: Buffer): Body {
  return { sizeBytes: 0, blockCount: 0, body, hasExtents: false };
}
