import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Layer } from '../rootfs/layer.ts';

/** A file that we put over those of an image; its owner is root. */
export interface AddedFile {
  readonly path: string;
  /** Octal mode, such as 0o755. */
  readonly mode: number;
  readonly contents: Buffer;
  /** Group of the file. Default 0. */
  readonly gid?: number;
}

/**
 * A layer of a few files that are in memory.
 *
 * @param files - asked for when the layers below have been read
 */
export function filesLayer(name: string, files: () => readonly AddedFile[]): Layer {
  return {
    name,
    open: () => {
      const archive = pack();
      for (const { path, mode, contents, gid = 0 } of files()) {
        archive.entry({ name: path, mode, size: contents.length, uid: 0, gid, mtime: new Date(0) }, contents);
      }
      archive.finalize();
      return Promise.resolve(Readable.from(archive, { objectMode: false }));
    },
  };
}
