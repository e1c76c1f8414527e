/** What was found in the folder of images, as a prune needs it. */
export interface StoreFacts {
  readonly names: readonly { readonly name: string; readonly key: string }[];
  readonly damagedNameFiles: readonly Found[];
  readonly entries: readonly FoundEntry[];
  readonly blobs: readonly (Found & { readonly digest: string })[];
  /** What processes that are dead have left. */
  readonly leftovers: readonly Found[];
  /** Unpacked kernels, initrds and base images. */
  readonly assets: readonly (Found & { readonly isUsed: boolean })[];
  /** Does a live process make an image now? */
  readonly somebodyMakes: boolean;
}

/** A file or folder, with the space it takes. */
export interface Found {
  readonly path: string;
  readonly diskBytes: number;
}

export interface FoundEntry extends Found {
  readonly key: string;
  readonly isDamaged: boolean;
  /** The VMs and retained disks that lie over it. */
  readonly usedBy: readonly string[];
  readonly blobs: readonly string[];
}

/** One thing that a prune removes. */
export interface Prunable extends Found {
  readonly kind: 'image' | 'name' | 'blob' | 'leftover' | 'asset';
  /** The key of an image, a name, a digest, or the path. */
  readonly what: string;
}

/** What can go: everything that no name and no VM leads to. Pure. */
export function prunePlan(facts: StoreFacts): readonly Prunable[] {
  const goes = new Set(facts.entries.filter((entry) => mayGo(entry, facts)).map(({ key }) => key));
  const stays = facts.entries.filter(({ key }) => !goes.has(key));
  const blobsInUse = new Set(stays.flatMap(({ blobs }) => blobs));
  const images = facts.entries.filter(({ key }) => goes.has(key));
  return [
    ...images.map((entry) => prunable('image', entry.key, entry)),
    ...facts.damagedNameFiles.map((file) => prunable('name', file.path, file)),
    ...(facts.somebodyMakes ? [] : facts.blobs)
      .filter(({ digest }) => !blobsInUse.has(digest))
      .map((blob) => prunable('blob', blob.digest, blob)),
    ...facts.leftovers.map((found) => prunable('leftover', found.path, found)),
    ...facts.assets.filter(({ isUsed }) => !isUsed).map((asset) => prunable('asset', asset.path, asset)),
  ];
}

/** One that was just made may be about to get its name. */
function mayGo({ key, isDamaged, usedBy }: FoundEntry, { names, somebodyMakes }: StoreFacts): boolean {
  if (usedBy.length > 0 || somebodyMakes) return false;
  return isDamaged || !names.some((name) => name.key === key);
}

function prunable(kind: Prunable['kind'], what: string, { path, diskBytes }: Found): Prunable {
  return Object.freeze({ kind, what, path, diskBytes });
}
