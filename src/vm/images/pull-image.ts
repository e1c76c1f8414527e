import { Deadline } from '../../base/deadline.ts';
import { pullImage, resolveDigest } from '../../image/oci/pull.ts';
import { buildRootfs } from '../../image/rootfs/build-rootfs.ts';
import { readEntry } from '../../image/store/entries.ts';
import { imageKey } from '../../image/store/image-key.ts';
import { canonicalName, shortName } from '../../image/store/image-name.ts';
import type { StorePaths } from '../../image/store/layout.ts';
import { ensureEntry, type NewRecord } from '../../image/store/make-entry.ts';
import { making } from '../../image/store/makers.ts';
import { readName } from '../../image/store/names.ts';
import type { Services } from '../services.ts';
import type { PullOptions } from './image-options.ts';
import { makeHow, ownArch } from './store-context.ts';
import { nameImage, type NamedImage } from './stored-image.ts';

/** Gets an image from its registry and makes its file system, unless it is here and the registry has no other. */
export async function pullNamedImage(
  services: Services,
  reference: unknown,
  {
    sizeMib = null,
    credentials,
    signal,
    onProgress,
  }: Omit<PullOptions, 'sizeMib'> & { sizeMib?: number | null | undefined },
): Promise<NamedImage> {
  const name = canonicalName(reference);
  using deadline = new Deadline(`pull the image '${shortName(name)}'`, Infinity, signal);
  const how = makeHow(services, deadline.signal, onProgress);
  const registry = {
    reference: name,
    credentials,
    dockerConfigPath: services.dockerConfigPath,
    helperEnv: services.userEnv,
    signal: deadline.signal,
  };
  return await making(how.store, deadline.signal, async () => {
    const unchanged = await unchangedImage(how.store, name, sizeMib, () => resolveDigest(registry));
    if (unchanged !== undefined) return unchanged;
    const image = await pullImage({
      ...registry,
      platform: `linux/${ownArch()}`,
      imagesFolder: how.store.images,
      onProgress: (progress) => {
        how.tell({ step: 'download', ...progress });
      },
    });
    const key = imageKey({ digest: image.digest, sizeMib, config: image.config });
    const entry = await ensureEntry(how, key, async (path): Promise<NewRecord> => {
      const { layers, config } = image;
      const built = await buildRootfs({ layers, sizeMib, path, signal: how.signal, onProgress: how.tell });
      const source = { kind: 'registry', origin: name, digest: image.digest } as const;
      const { contentBytes, entryCount } = built;
      const blobs = image.blobs ?? [];
      return { key, source, arch: ownArch(), config, contentBytes, entryCount, blobs };
    });
    return nameImage(how.store, { name, entry }, image.resolvedDigest);
  });
}

/** The image that is here, if its registry says that it is still the one, and it has the size that is asked for. */
async function unchangedImage(
  store: StorePaths,
  name: string,
  sizeMib: number | null,
  askRegistry: () => Promise<string>,
): Promise<NamedImage | undefined> {
  const known = readName(store, name);
  if (known === undefined || known.remoteDigest === null) return undefined;
  const entry = readEntry(store, known.key);
  if (entry?.state !== 'ready') return undefined;
  const { source, config } = entry.record;
  if (imageKey({ digest: source.digest, sizeMib, config }) !== known.key) return undefined;
  return (await askRegistry()) === known.remoteDigest ? { name, entry } : undefined;
}
