import { Readable } from 'node:stream';
import type { Layer } from '../rootfs/layer.ts';
import { encodeEntry, END_OF_ARCHIVE, endOfContents } from '../rootfs/tar/encode-entry.ts';
import type { TarEntry } from '../rootfs/tar/read-tar.ts';

/** A file that we lay over those of an image. */
export interface AddedFile {
  readonly entry: Omit<TarEntry, 'body' | 'sizeBytes'>;
  readonly contents: Buffer;
}

/** A file of root. @param mode - octal, such as 0o755 */
export function rootsFile(name: string, mode: number, contents: Buffer): AddedFile {
  const entry = {
    name,
    kind: 'file',
    mode,
    uid: 0,
    gid: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    linkName: '',
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map<string, Buffer>(),
  } as const;
  return { entry, contents };
}

/**
 * A layer of a few files that are in memory.
 *
 * @param files - asked for when the layers below have been read
 */
export function filesLayer(
  name: string,
  files: (signal: AbortSignal) => readonly AddedFile[] | Promise<readonly AddedFile[]>,
): Layer {
  return {
    name,
    open: async (signal) => {
      const parts = (await files(signal)).flatMap(({ entry, contents }) => [
        encodeEntry({ ...entry, sizeBytes: contents.length }),
        contents,
        endOfContents(contents.length),
      ]);
      return Readable.from([...parts, END_OF_ARCHIVE], { objectMode: false });
    },
  };
}
