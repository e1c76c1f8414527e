import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { toSmolVMError } from '../errors.ts';

/**
 * Tells whether the image below a disk is still the one over which the disk was made: an overlay over another image is
 * garbage. What comes with smolvm is named by its digest. For others it is inode, size and time of the last change, to the
 * nanosecond; the number of the device is left out because it may be another one after a reboot.
 */
export function imageIdentity(path: string, imagesFolder: string): string {
  if (isAsset(path, imagesFolder)) return `sha256:${basename(path)}`;
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `file:${String(ino)}:${String(size)}:${String(mtimeNs)}`;
  } catch (error) {
    throw toSmolVMError(error, `look at ${path}`);
  }
}

/** Is it one of the images that smolvm keeps and never writes: an unpacked one, or `rootfs/<key>/…` of the image store? */
export function isOurImage(path: string, imagesFolder: string): boolean {
  return isAsset(path, imagesFolder) || dirname(dirname(path)) === join(imagesFolder, 'rootfs');
}

function isAsset(path: string, imagesFolder: string): boolean {
  return dirname(path) === imagesFolder;
}

/** Do both paths lead to one file? No, if one leads nowhere. */
export function isSameFile(one: string, other: string): boolean {
  const place = placeOf(one);
  return place !== undefined && place === placeOf(other);
}

function placeOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? undefined : `${String(stats.dev)}:${String(stats.ino)}`;
}
