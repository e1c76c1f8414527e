import { join } from 'node:path';
import type { GuestArch } from '../../spec/guest-arch.ts';
import { ImageError } from '../../errors.ts';
import { readContext } from './context-files.ts';
import { buildEngineRootfs } from './engine-rootfs.ts';
import { rootfsFingerprint } from './fingerprint.ts';
import type { OnImageProgress } from './image-progress.ts';
import { ensureMarkedImage } from './marked-image.ts';
import type { RootfsRecipe } from './rootfs-options.ts';

/** What builds need of this host. */
export interface ImagePlaces {
  /** Where the kernel and initrd that come with smolvm are. */
  readonly assetsFolder: string;
  /** Where images are kept. */
  readonly imagesFolder: string;
  /** The user's environment, for engines. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a build is to go. */
export interface EnsureRootfs {
  readonly arch: GuestArch;
  readonly signal: AbortSignal;
  readonly onProgress: OnImageProgress | undefined;
}

/**
 * The root file system of a recipe, from the cache or built: `custom/<name>/<key>/rootfs.ext4` of the images folder. One
 * that is cached needs no engine.
 *
 * @returns its path
 */
export async function ensureDockerRootfs(
  places: ImagePlaces,
  recipe: RootfsRecipe,
  { arch, signal, onProgress }: EnsureRootfs,
): Promise<string> {
  const platform = recipe.dockerPlatform ?? `linux/${arch}`;
  const facts = await readContext(recipe.files, signal);
  const { key, metadata } = rootfsFingerprint(recipe, platform, arch, facts);
  return ensureMarkedImage({
    folder: join(places.imagesFolder, 'custom', recipe.name, key),
    markerName: 'metadata.json',
    marker: metadata,
    isWanted: (marker) => marker === metadata,
    signal,
    onProgress,
    make: (path, work, undo) =>
      buildEngineRootfs(
        {
          choice: { engine: recipe.engine, env: places.env },
          build: { ...recipe, facts, platform, tagName: `smolvm-custom-${key.slice(0, 16)}`, folder: work },
          sizeMib: recipe.rootfsSizeMib,
          path,
          signal,
          onProgress,
        },
        undo,
      ),
  });
}

/** Refuses what could be built but not booted: the kernel that comes with smolvm is for one architecture. */
export function requireKernelFor(arch: GuestArch): void {
  if (arch === 'amd64') return;
  throw new ImageError(`there is no kernel for ${arch} guests yet`, { hint: 'Build for amd64.' });
}
