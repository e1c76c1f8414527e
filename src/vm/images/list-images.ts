import { diskBytes } from '../../image/store/disk-space.ts';
import { listEntries, readEntry, type Entry } from '../../image/store/entries.ts';
import { canonicalName, shortName } from '../../image/store/image-name.ts';
import { isImageKey } from '../../image/store/layout.ts';
import type { ImageRecord } from '../../image/store/image-record.ts';
import { listNames, readName } from '../../image/store/names.ts';
import type { ImageConfig } from '../../spec/image-config.ts';
import type { Services } from '../services.ts';
import { imageUsers } from './image-users.ts';
import { imageStore } from './store-context.ts';
import { noSuchImage } from './stored-image.ts';

interface AnyImage {
  /** 64 hexadecimal digits; it stays the same as long as the contents do. */
  readonly key: string;
  /** As people write them: `python:3.12`. */
  readonly names: readonly string[];
  /** The VMs and retained disks whose disks lie over it. */
  readonly usedBy: readonly string[];
  readonly rootfsPath: string;
  /** Bytes that it takes on the disk of this host. */
  readonly diskBytes: number;
}

/** An image of the store that can be booted. */
export interface ImageInfo extends AnyImage {
  readonly state: 'ready';
  /** From where it came: its kind, its reference or path, and the digest of what was there. */
  readonly source: ImageRecord['source'];
  readonly arch: ImageRecord['arch'];
  readonly config: ImageConfig;
  /** Size of the file system. */
  readonly sizeMib: number;
  /** Bytes of the files in it. */
  readonly contentBytes: number;
  /** ISO 8601: when it was made here. */
  readonly createdAt: string;
}

/** An image of the store that cannot be used. */
export interface DamagedImage extends AnyImage {
  readonly state: 'damaged';
  readonly reason: string;
}

/** All images, by their first names; those without names last. */
export function listStoredImages(services: Services): readonly (ImageInfo | DamagedImage)[] {
  const store = imageStore(services);
  const describe = describer(services);
  return listEntries(store)
    .map(describe)
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

/** One image, by a name or its key. @throws ImageError */
export function inspectStoredImage(services: Services, name: unknown): ImageInfo | DamagedImage {
  const store = imageStore(services);
  const isKey = typeof name === 'string' && isImageKey(name);
  const canonical = isKey ? name : canonicalName(name);
  const key = isKey ? name : readName(store, canonical)?.key;
  const entry = key === undefined ? undefined : readEntry(store, key);
  if (entry === undefined) throw noSuchImage(canonical);
  return describer(services)(entry);
}

function describer(services: Services): (entry: Entry) => ImageInfo | DamagedImage {
  const usersOf = imageUsers(services);
  const { names } = listNames(imageStore(services));
  return (entry) => {
    const common = {
      key: entry.key,
      names: Object.freeze(names.filter(({ key }) => key === entry.key).map(({ name }) => shortName(name))),
      usedBy: Object.freeze(usersOf(entry.paths.rootfs)),
      rootfsPath: entry.paths.rootfs,
      diskBytes: diskBytes(entry.paths.folder),
    };
    if (entry.state === 'damaged')
      return Object.freeze({ ...common, state: 'damaged', reason: entry.problem });
    const { source, arch, config, sizeBytes, contentBytes, createdAt } = entry.record;
    const sizeMib = sizeBytes / 1024 / 1024;
    return Object.freeze({
      ...common,
      state: 'ready',
      source,
      arch,
      config,
      sizeMib,
      contentBytes,
      createdAt,
    });
  };
}

function sortKey({ names, key }: AnyImage): string {
  // A tilde comes after all that names begin with.
  return names[0] ?? `~${key}`;
}
