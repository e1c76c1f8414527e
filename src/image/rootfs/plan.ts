import { ImageError } from '../../errors.ts';
import { directoryBlockCount } from './ext4/directory.ts';
import { MAX_EXTENT_BLOCKS, treeBlockCount } from './ext4/extents.ts';
import { MAX_FAST_TARGET_BYTES } from './ext4/inode.ts';
import { BLOCK_BYTES, FIRST_INODE, ROOT_INODE, type Needs } from './ext4/layout.ts';
import { encodeXattrs } from './ext4/xattrs.ts';
import { shownName } from './layer-problem.ts';
import { newFolder, type FolderNode, type Node, type Piece } from './tree/nodes.ts';

/** ext4 counts no more names of one file. */
const MAX_HARD_LINKS = 65_000;
const LOST_AND_FOUND = 'lost+found';

/** A node and what is known of it once the tree is complete. */
export interface PlannedNode {
  readonly node: Node;
  readonly inode: number;
  readonly links: number;
  /** The folder it is in; of the root and of what has more than one, any. */
  readonly parent: FolderNode;
}

/** All nodes in the order in which they are written, their inodes rising. */
export interface Plan {
  readonly nodes: ReadonlyMap<Node, PlannedNode>;
  /** What the nodes take together. */
  readonly needs: Needs;
  readonly entryCount: number;
  /** Bytes of files without holes. */
  readonly contentBytes: number;
}

/** Decides what becomes of a tree. Adds lost+found, where fsck puts what it finds, if it is missing. */
export function planImage(root: FolderNode): Plan {
  if (!root.places.has(LOST_AND_FOUND)) {
    const meta = { mode: 0o700, uid: 0, gid: 0, mtime: root.meta.mtime, xattrs: new Map<string, Buffer>() };
    root.places.set(LOST_AND_FOUND, { node: newFolder(meta), layer: 0 });
  }
  const { found, entryCount } = walk(root);
  const nodes = new Map<Node, PlannedNode>();
  for (const { node, links, parent } of inOrder(found))
    nodes.set(node, {
      node,
      links,
      parent,
      inode: nodes.size === 0 ? ROOT_INODE : FIRST_INODE - 1 + nodes.size,
    });
  let [blocks, contentBytes] = [0, 0];
  for (const node of nodes.keys()) {
    blocks += blockCount(node);
    if (node.kind === 'file')
      contentBytes += node.content.pieces.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  }
  return { nodes, needs: { inodes: nodes.size, blocks }, entryCount, contentBytes };
}

type FoundNode = Omit<PlannedNode, 'inode'>;

/** Every node once, with the number of its names. Not recursive: paths may be deep. */
function walk(root: FolderNode): { readonly found: readonly FoundNode[]; readonly entryCount: number } {
  const found = new Map<Node, { node: Node; links: number; parent: FolderNode }>();
  found.set(root, { node: root, links: 2, parent: root });
  const pending: FolderNode[] = [root];
  let entryCount = 0;
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const [name, { node }] of sortedPlaces(folder)) {
      entryCount += 1;
      const known = found.get(node) ?? { node, links: node.kind === 'folder' ? 2 : 0, parent: folder };
      found.set(node, known);
      if (node.kind === 'folder') {
        pending.push(node);
        const above = found.get(folder);
        if (above !== undefined) above.links += 1;
        continue;
      }
      known.links += 1;
      if (known.links > MAX_HARD_LINKS)
        throw new ImageError(
          `${shownName(name)} has more than the ${MAX_HARD_LINKS} hard links that ext4 can count`,
        );
    }
  }
  return { found: [...found.values()], entryCount };
}

/** The names of a folder by their bytes, so that one tree gives one image. */
export function sortedPlaces(folder: FolderNode): readonly (readonly [string, { readonly node: Node }])[] {
  return [...folder.places].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The root and the other folders, then what has no contents, then files as they lie in the spool. */
function inOrder(found: readonly FoundNode[]): readonly FoundNode[] {
  const rank = ({ node }: FoundNode): number => (node.kind === 'folder' ? 0 : node.kind === 'file' ? 2 : 1);
  const spoolAt = ({ node }: FoundNode): number =>
    node.kind === 'file' ? (node.content.pieces[0]?.spoolAt ?? -1) : -1;
  return found.toSorted((one, other) => rank(one) - rank(other) || spoolAt(one) - spoolAt(other));
}

/** Blocks for what does not fit into the inode; rather too many than too few. */
function blockCount(node: Node): number {
  return ownBlockCount(node) + (encodeXattrs(node.meta.xattrs).kind === 'block' ? 1 : 0);
}

function ownBlockCount(node: Node): number {
  if (node.kind === 'folder') return directoryBlockCount(sortedPlaces(node).map(([name]) => name));
  if (node.kind === 'symlink') return node.target.length > MAX_FAST_TARGET_BYTES ? 1 : 0;
  if (node.kind !== 'file') return 0;
  const { pieces } = node.content;
  const blocks = pieces.reduce((sum, piece) => sum + pieceBlockCount(piece), 0);
  // Each group may begin with blocks that are taken already, and the journal may lie in between.
  return blocks + treeBlockCount(pieces.length + 3 * Math.ceil(blocks / MAX_EXTENT_BLOCKS));
}

/** Blocks of one piece of a file. */
export function pieceBlockCount({ lengthBytes }: Piece): number {
  return Math.ceil(lengthBytes / BLOCK_BYTES);
}
