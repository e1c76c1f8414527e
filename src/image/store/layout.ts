import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** The folders of the image store, below the folder of images. */
export interface StorePaths {
  readonly images: string;
  /** One folder for each image, named by its key. */
  readonly rootfs: string;
  /** One file for each name. */
  readonly names: string;
  /** What registries gave, by digest: `<algorithm>/<hex>`. */
  readonly blobs: string;
  /** One file for each process that is making images. */
  readonly makers: string;
}

/** The files of one image. */
export interface EntryPaths {
  readonly folder: string;
  readonly rootfs: string;
  readonly record: string;
}

export function storePaths(imagesFolder: string): StorePaths {
  return {
    images: imagesFolder,
    rootfs: join(imagesFolder, 'rootfs'),
    names: join(imagesFolder, 'names'),
    blobs: join(imagesFolder, 'blobs'),
    makers: join(imagesFolder, 'makers'),
  };
}

const KEY_PATTERN = /^[0-9a-f]{64}$/;

/** Could it be the key of an image? */
export function isImageKey(text: string): boolean {
  return KEY_PATTERN.test(text);
}

export function entryPaths(paths: StorePaths, key: string): EntryPaths {
  return entryIn(join(paths.rootfs, key));
}

/** The files of an image in its folder, wherever that is. */
export function entryIn(folder: string): EntryPaths {
  return { folder, rootfs: join(folder, 'rootfs.ext4'), record: join(folder, 'image.json') };
}

/** The file of a name. Names hold slashes and may be longer than file names; the file says which name it is. */
export function nameFile(paths: StorePaths, name: string): string {
  return join(paths.names, `${createHash('sha256').update(name).digest('hex')}.json`);
}
