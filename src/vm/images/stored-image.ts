import { ImageError } from '../../errors.ts';
import { readEntry, type Entry, type ReadyEntry } from '../../image/store/entries.ts';
import { canonicalName, shortName } from '../../image/store/image-name.ts';
import { readName, writeName } from '../../image/store/names.ts';
import type { StorePaths } from '../../image/store/layout.ts';
import { BootImage } from '../../spec/boot-image.ts';

/** An image of the store under one of its names. */
export interface NamedImage {
  /** In full. */
  readonly name: string;
  readonly entry: ReadyEntry;
}

/** The image as it is booted: with the agent, because nothing else need be in it. */
export function bootImageOf({ name, entry: { paths, record } }: NamedImage): BootImage {
  return new BootImage({
    name: shortName(name).slice(0, 255),
    rootfsPath: paths.rootfs,
    boot: 'agent',
    arch: record.arch,
    config: record.config,
  });
}

/** The stored image of this name, whole. @throws ImageError if there is none, or it is damaged */
export function findImage(store: StorePaths, name: unknown): NamedImage {
  const canonical = canonicalName(name);
  const record = readName(store, canonical);
  const entry = record === undefined ? undefined : readEntry(store, record.key);
  if (entry?.state === 'ready') return { name: canonical, entry };
  throw record === undefined ? noSuchImage(canonical) : damagedImage(canonical, entry);
}

export function noSuchImage(canonical: string): ImageError {
  const name = shortName(canonical);
  return new ImageError(`there is no image '${name}' here`, {
    hint: `See: smolvm image list; or get it: smolvm image pull ${name}`,
    details: { name },
  });
}

export function damagedImage(canonical: string, entry: Entry | undefined): ImageError {
  const name = shortName(canonical);
  const problem = entry?.state === 'damaged' ? entry.problem : 'its files are gone';
  return new ImageError(`the image '${name}' cannot be used: ${problem}`, {
    hint: `Make it again, or pull it again: smolvm image pull ${name}`,
    details: { name },
  });
}

/** Lets a name stand for an image from now on. */
export async function nameImage(
  store: StorePaths,
  { name, entry }: NamedImage,
  remoteDigest: string | null,
): Promise<NamedImage> {
  const updatedAt = new Date().toISOString();
  await writeName(store, { formatVersion: 1, name, key: entry.key, remoteDigest, updatedAt });
  return { name, entry };
}
