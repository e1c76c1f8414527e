import { LayerProblem } from '../layer-problem.ts';
import type { TarEntry } from '../tar/read-tar.ts';
import { checkTarget, splitLinkName, splitName } from './names.ts';
import { newFolder, type Content, type Meta, type Node } from './nodes.ts';
import type { Spot, Tree } from './tree.ts';

/** Device numbers as Linux has them. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Other names that aufs, whose format this was, keeps for itself. */
const AUFS = '.wh..wh.';

/** A file that is to be put into the tree once its contents are known. */
export interface PendingFile {
  readonly spot: Spot;
  readonly meta: Meta;
}

/** Puts a file at its spot. */
export function putFile(tree: Tree, { spot, meta }: PendingFile, content: Content): void {
  tree.put(spot, { kind: 'file', meta, content });
}

/**
 * Takes an entry into the tree, all but the contents of a file. Later entries replace earlier ones. Whiteouts (OCI image
 * layers: `.wh.NAME`, `.wh..wh..opq`) delete what lower layers brought and nothing of their own.
 *
 * @returns the file whose contents are to be read, or null; what cannot be is refused before
 */
export function addEntry(tree: Tree, entry: Omit<TarEntry, 'body'>): PendingFile | null {
  const names = splitName(entry.name);
  const name = names.at(-1);
  const meta: Meta = {
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    xattrs: entry.xattrs,
  };
  if (name === undefined) {
    if (entry.kind !== 'folder') throw new LayerProblem('the root can only be a folder');
    tree.root.meta = meta;
    return null;
  }
  const parents = names.slice(0, -1);
  if (name.startsWith(WHITEOUT)) {
    whiteOut(tree, parents, name);
    return null;
  }
  // The target before the folders on the way: they may not be what the link leads to.
  const linked = entry.kind === 'link' ? linkTarget(tree, entry.linkName) : undefined;
  const folder = tree.enter(parents, { ...meta, mode: 0o755, uid: 0, gid: 0, xattrs: new Map() });
  if (folder === undefined) throw new LayerProblem('its folder cannot be made');
  const spot = { folder, name };
  if (entry.kind === 'file') return { spot, meta };
  tree.put(spot, linked ?? nodeOf(entry, meta));
  return null;
}

function whiteOut(tree: Tree, parents: readonly string[], name: string): void {
  const hidden = name.slice(WHITEOUT.length);
  if (hidden === '' || hidden === '.' || hidden === '..')
    throw new LayerProblem('it is a whiteout of nothing');
  const folder = tree.enter(parents, undefined);
  if (folder === undefined) return;
  if (name === OPAQUE) tree.removeLower(folder);
  else if (!name.startsWith(AUFS)) tree.removeLowerAt({ folder, name: hidden });
}

function linkTarget(tree: Tree, target: string): Node {
  const names = splitLinkName(target);
  const node = tree.enter(names.slice(0, -1), undefined)?.places.get(names.at(-1) ?? '')?.node;
  if (node === undefined) throw new LayerProblem('it is a hard link to what is not there');
  if (node.kind === 'folder') throw new LayerProblem('it is a hard link to a folder');
  return node;
}

function nodeOf(entry: Omit<TarEntry, 'body'>, meta: Meta): Node {
  switch (entry.kind) {
    case 'folder':
      return newFolder(meta);
    case 'symlink':
      checkTarget(entry.linkName);
      return { kind: 'symlink', meta, target: entry.linkName };
    case 'character':
    case 'block':
      if (entry.devMajor > MAX_MAJOR || entry.devMinor > MAX_MINOR)
        throw new LayerProblem(`there is no device ${entry.devMajor}:${entry.devMinor}`);
      return { kind: entry.kind, meta, major: entry.devMajor, minor: entry.devMinor };
    case 'fifo':
      return { kind: 'fifo', meta, major: 0, minor: 0 };
    case 'file':
    case 'link':
      throw new Error(`a ${entry.kind} is no node of its own`);
  }
}
