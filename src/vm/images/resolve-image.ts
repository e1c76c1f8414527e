import { readEntry } from '../../image/store/entries.ts';
import { canonicalName, shortName } from '../../image/store/image-name.ts';
import { readName } from '../../image/store/names.ts';
import { ImageError } from '../../errors.ts';
import type { Services } from '../services.ts';
import type { PullPolicy } from '../../spec/image-choice.ts';
import type { ImageOptions } from './image-options.ts';
import { pullNamedImage } from './pull-image.ts';
import { imageStore } from './store-context.ts';
import { damagedImage, noSuchImage, type NamedImage } from './stored-image.ts';

/** The image of a name: the one that is here or, if the policy says so, that of its registry. */
export async function resolveNamedImage(
  services: Services,
  name: unknown,
  { pull, signal, onProgress }: ImageOptions & { readonly pull: PullPolicy },
): Promise<NamedImage> {
  const store = imageStore(services);
  const canonical = canonicalName(name);
  const record = readName(store, canonical);
  const entry = record === undefined ? undefined : readEntry(store, record.key);
  // Nobody else's image may take the place of one's own because it happens to have its name.
  const isOwn = record?.remoteDigest === null;
  if (isOwn && pull === 'always') throw madeHere(canonical);
  if (pull !== 'always' && entry?.state === 'ready') return { name: canonical, entry };
  if (isOwn || pull === 'never')
    throw record === undefined ? noSuchImage(canonical) : damagedImage(canonical, entry);
  return pullNamedImage(services, canonical, { signal, onProgress });
}

function madeHere(canonical: string): ImageError {
  const name = shortName(canonical);
  return new ImageError(`the image '${name}' was made or loaded here, so there is nothing to pull`, {
    hint: `Use it as it is (pull: missing), or replace it: smolvm image pull ${name}`,
    details: { name },
  });
}
