import { LayerProblem } from '../layer-problem.ts';
import type { FolderNode, SymlinkNode } from './nodes.ts';

/** As in Linux. */
const MAX_SYMLINKS = 40;
/** As many as the longest path has. */
const MAX_DEPTH = 2048;

/** A way through a tree, from its root on and never out of it. */
export class Walk {
  readonly #root: FolderNode;
  #above: FolderNode[] = [];
  #folder: FolderNode;
  #symlinks = 0;

  constructor(root: FolderNode) {
    this.#root = root;
    this.#folder = root;
  }

  /** Where it has come to. */
  get folder(): FolderNode {
    return this.#folder;
  }

  enter(folder: FolderNode): void {
    this.#above.push(this.#folder);
    this.#folder = folder;
    if (this.#above.length > MAX_DEPTH) throw new LayerProblem('its path is too deep');
  }

  /** Is it no name but '', '.' or '..'? Then it goes there: above the root is the root. */
  goWithoutName(name: string): boolean {
    if (name === '..') this.#folder = this.#above.pop() ?? this.#root;
    return name === '' || name === '.' || name === '..';
  }

  /** Begins to follow a symlink in the folder; returns the names to go on with. */
  follow({ target }: SymlinkNode): readonly string[] {
    this.#symlinks += 1;
    if (this.#symlinks > MAX_SYMLINKS) throw new LayerProblem('its path leads through too many symlinks');
    if (target.startsWith('/')) [this.#folder, this.#above] = [this.#root, []];
    return target.split('/');
  }
}
