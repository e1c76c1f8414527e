import { LayerProblem, shownName } from '../layer-problem.ts';
import { checkName } from './names.ts';
import { newFolder, type FolderNode, type Meta, type Node } from './nodes.ts';
import { Walk } from './walk.ts';

/** What a tree may grow to. Archives are untrusted: a few MB can stand for billions of names. */
export interface TreeLimits {
  /** Names, those of replaced entries among them. */
  readonly maxEntries: number;
  /** Bytes of names, targets of symlinks and extended attributes: all of them are held in memory. */
  readonly maxNameBytes: number;
}

/** Names looked up for all entries together: symlinks to long paths make few entries much work. */
const MAX_STEPS = 200_000_000;

/** Where an entry stands or shall stand. */
export interface Spot {
  readonly folder: FolderNode;
  readonly name: string;
}

/**
 * The files of an image in memory, without their contents. Names are never looked up on the host: a symlink on the way
 * leads somewhere in this tree or nowhere.
 */
export class Tree {
  readonly root: FolderNode;
  /** The layer that is being laid on, counted from 1. */
  layer = 0;
  readonly #limits: TreeLimits;
  #entries = 0;
  #nameBytes = 0;
  #steps = 0;

  constructor(limits: TreeLimits, rootMeta: Meta) {
    this.#limits = limits;
    this.root = newFolder(rootMeta);
  }

  /**
   * The folder to which these names lead from the root, or undefined if they lead nowhere.
   *
   * @param missing - what folders that are not there are made with; undefined: none are made, and a way that goes
   *   through a file leads nowhere instead of being refused
   */
  enter(names: readonly string[], missing: Meta | undefined): FolderNode | undefined {
    const walk = new Walk(this.root);
    const pending = names.toReversed();
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      this.#countStep();
      if (walk.goWithoutName(name)) continue;
      const node: Node | undefined =
        walk.folder.places.get(name)?.node ?? this.#made(walk.folder, name, missing);
      if (node?.kind === 'folder') walk.enter(node);
      else if (node?.kind === 'symlink') pending.push(...walk.follow(node).toReversed());
      else if (missing === undefined || node === undefined) return undefined;
      else throw new LayerProblem(`${shownName(name)} on its path is no folder`);
    }
    return walk.folder;
  }

  /** Puts a node where the spot is; what is there goes, except that a folder over a folder only changes its mode. */
  put({ folder, name }: Spot, node: Node): void {
    const old = folder.places.get(name)?.node;
    this.#count(name, node);
    if (node.kind === 'folder' && old?.kind === 'folder') {
      old.meta = node.meta;
      folder.places.set(name, { node: old, layer: this.layer });
    } else {
      folder.places.set(flat(name), { node, layer: this.layer });
    }
  }

  /** Takes away what lower layers put into the folder; what this one put there, and what holds it, stays. */
  removeLower(folder: FolderNode): void {
    for (const name of [...folder.places.keys()]) this.removeLowerAt({ folder, name });
  }

  /** The same for one name. */
  removeLowerAt({ folder, name }: Spot): void {
    const place = folder.places.get(name);
    if (place === undefined) return;
    this.#countStep();
    if (place.node.kind === 'folder') this.removeLower(place.node);
    const isEmpty = place.node.kind !== 'folder' || place.node.places.size === 0;
    if (isEmpty && place.layer < this.layer) folder.places.delete(name);
  }

  #made(folder: FolderNode, name: string, missing: Meta | undefined): FolderNode | undefined {
    if (missing === undefined) return undefined;
    checkName(name);
    const node = newFolder(missing);
    this.put({ folder, name }, node);
    return node;
  }

  #count(name: string, node: Node): void {
    this.#entries += 1;
    this.#nameBytes += name.length + (node.kind === 'symlink' ? node.target.length : 0);
    for (const [key, value] of node.meta.xattrs) this.#nameBytes += key.length + value.length;
    if (this.#entries > this.#limits.maxEntries)
      throw new LayerProblem(`there are more than ${this.#limits.maxEntries} entries`);
    if (this.#nameBytes > this.#limits.maxNameBytes)
      throw new LayerProblem(
        `names and extended attributes take more than ${this.#limits.maxNameBytes} bytes`,
      );
  }

  #countStep(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new LayerProblem('paths and symlinks are too long');
  }
}

/** A string of its own: a part of a long path would keep all of it in memory. */
function flat(name: string): string {
  return Buffer.from(name, 'latin1').toString('latin1');
}
