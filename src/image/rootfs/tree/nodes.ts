import type { TimeStamp } from '../tar/pax.ts';

/** Who may do what with a file, and what else is known of it. */
export interface Meta {
  /** Octal, permissions and setuid, setgid, sticky only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TimeStamp;
  /** Names with their namespace ("user.origin"), one character a byte. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** Where in the spool a part of a file is. */
export interface Piece {
  /** Byte of the file, a multiple of 4096. */
  readonly at: number;
  readonly spoolAt: number;
  readonly lengthBytes: number;
}

/** What a file holds: between its pieces are holes. */
export interface Content {
  readonly sizeBytes: number;
  readonly pieces: readonly Piece[];
}

/** A name in a folder. A hard link is a second place of a node. */
export interface Place {
  readonly node: Node;
  /** The layer that put it there, counted from 1. */
  readonly layer: number;
}

export interface FolderNode {
  readonly kind: 'folder';
  meta: Meta;
  readonly places: Map<string, Place>;
}

export interface FileNode {
  readonly kind: 'file';
  readonly meta: Meta;
  readonly content: Content;
}

export interface SymlinkNode {
  readonly kind: 'symlink';
  readonly meta: Meta;
  /** One character a byte. */
  readonly target: string;
}

export interface SpecialNode {
  readonly kind: 'character' | 'block' | 'fifo';
  readonly meta: Meta;
  readonly major: number;
  readonly minor: number;
}

export type Node = FolderNode | FileNode | SymlinkNode | SpecialNode;

export function newFolder(meta: Meta): FolderNode {
  return { kind: 'folder', meta, places: new Map() };
}
