import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Cleanup } from '../../base/cleanup.ts';
import { requireSpace } from '../../base/free-space.ts';
import { useDisposable } from '../../base/use-disposable.ts';
import { syncFolder } from '../../base/write-atomic.ts';
import { ImageError, toSmolVMError, ValidationError } from '../../errors.ts';
import { applyLayer } from './apply-layer.ts';
import { BLOCK_BYTES, comfortableMib, MAX_SIZE_MIB, neededMib } from './ext4/layout.ts';
import { Volume } from './ext4/volume.ts';
import { RandomFile } from './image-file.ts';
import type { Layer } from './layer.ts';
import { makeFileSystem } from './mke2fs.ts';
import { planImage, type Plan } from './plan.ts';
import { Spool } from './spool.ts';
import { Tree } from './tree/tree.ts';
import { makeWorkFolder } from './work-folder.ts';
import { ImageWriter } from './write-image.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** A guest needs some room even if its image is small. */
const MIN_DEFAULT_SIZE_MIB = 512;

/** What untrusted layers may grow to. */
export interface RootfsLimits {
  /** Names in all layers together, replaced ones among them. Default 1,000,000. */
  readonly maxEntries: number;
  /** Bytes of names, targets of symlinks and extended attributes, which are held in memory. Default 256 MiB. */
  readonly maxNameBytes: number;
  /** Bytes of files in all layers together, holes among them. Default 64 GiB. */
  readonly maxContentBytes: number;
}

const LIMITS: RootfsLimits = { maxEntries: 1_000_000, maxNameBytes: 256 * MIB, maxContentBytes: 64 * GIB };

/** What to build. */
export interface RootfsRequest {
  /** From the lowest up; later ones replace and delete (OCI whiteouts) what is below. */
  readonly layers: readonly Layer[];
  /** MiB of the file system; null: what the contents need and room to work in. */
  readonly sizeMib: number | null;
  /** Where the image appears, whole, by a rename. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** Told now and then how many bytes a step has done so far. */
  readonly onProgress?: (progress: RootfsProgress) => void;
  /** Other limits than the default ones. */
  readonly limits?: Partial<RootfsLimits>;
}

/** How far a build has come. */
export interface RootfsProgress {
  readonly step: 'unpack' | 'format';
  readonly bytes: number;
}

/** What was built. */
export interface BuiltRootfs {
  /** Bytes of the file system: the length of the image, most of which may be a hole. */
  readonly sizeBytes: number;
  /** Bytes of the files in it, without holes; hard links count once. */
  readonly contentBytes: number;
  /** Names in it, folders and links among them. */
  readonly entryCount: number;
}

/**
 * Unpacks layers into the image of an ext4 file system, as root or not: owners, modes, devices and extended attributes
 * exist only in the image, and no name of a layer is ever one of the host.
 *
 * Fails with `IMAGE_INVALID` if a layer is damaged, hostile or beyond the limits, or if the size is too small
 * (`details.neededMib` tells the least); `NO_SPACE` if the host's disk is; `HOST_FAILED` without mke2fs. Nothing is left
 * behind then.
 *
 * @example
 * ```ts
 * const layers = [archiveLayer('/tmp/rootfs.tar.gz')];
 * const { sizeBytes } = await buildRootfs({ layers, sizeMib: null, path: '/tmp/rootfs.ext4', signal });
 * ```
 */
export async function buildRootfs(request: RootfsRequest): Promise<BuiltRootfs> {
  requireSize(request.sizeMib);
  const undo = new Cleanup();
  try {
    const work = await makeWorkFolder(dirname(request.path));
    undo.defer(`remove ${work}`, () => rm(work, { recursive: true, force: true }));
    const spool = await Spool.create(join(work, 'contents'));
    const built = await useDisposable(spool, () => build(request, work, spool));
    await undo.run();
    return built;
  } catch (error) {
    await undo.run();
    request.signal.throwIfAborted();
    throw toSmolVMError(error, `build ${request.path}`);
  }
}

async function build(request: RootfsRequest, work: string, spool: Spool): Promise<BuiltRootfs> {
  const tree = await unpack(request, spool);
  const plan = planImage(tree.root);
  const sizeMib = chooseSize(request.sizeMib, plan);
  requireSpace(work, plan.needs.blocks * BLOCK_BYTES);
  // The ending is for those who look at what is going on.
  const path = join(work, 'rootfs.ext4');
  await writeImage(request, { path, sizeMib, plan, spool });
  await rename(path, request.path);
  await syncFolder(dirname(request.path));
  return { sizeBytes: sizeMib * MIB, contentBytes: plan.contentBytes, entryCount: plan.entryCount };
}

async function unpack({ layers, limits, signal, onProgress }: RootfsRequest, spool: Spool): Promise<Tree> {
  const { maxContentBytes, ...treeLimits } = { ...LIMITS, ...limits };
  const rootMeta = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, xattrs: new Map() };
  const tree = new Tree(treeLimits, rootMeta);
  const onBytes = (bytes: number): void => onProgress?.({ step: 'unpack', bytes });
  const unpacking = { tree, spool, maxContentBytes, signal, onBytes, contentBytes: 0 };
  for (const layer of layers) await applyLayer(layer, unpacking);
  return tree;
}

interface NewImage {
  readonly path: string;
  readonly sizeMib: number;
  readonly plan: Plan;
  readonly spool: Spool;
}

async function writeImage(
  { signal, onProgress }: RootfsRequest,
  { path, sizeMib, plan, spool }: NewImage,
): Promise<void> {
  const handle = await open(path, 'wx+', 0o600);
  try {
    await handle.truncate(sizeMib * MIB);
    await makeFileSystem({ path, sizeMib, neededInodes: plan.needs.inodes, signal });
    const file = new RandomFile(handle);
    const volume = await Volume.open(file);
    if (volume.superblock.freeBlocks < plan.needs.blocks) throw tooSmall(sizeMib, neededMib(plan.needs) + 1);
    const contents = await spool.reader();
    const onBytes = (bytes: number): void => onProgress?.({ step: 'format', bytes });
    await new ImageWriter(file, volume, { plan, contents, signal, onBytes }).write();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function requireSize(sizeMib: number | null): void {
  if (sizeMib === null || (Number.isInteger(sizeMib) && sizeMib >= 1 && sizeMib <= MAX_SIZE_MIB)) return;
  throw new ValidationError('root file system', [
    `sizeMib: expected a whole number from 1 to ${MAX_SIZE_MIB}, received ${sizeMib}`,
  ]);
}

function chooseSize(wantedMib: number | null, { needs }: Plan): number {
  const needed = neededMib(needs);
  const chosen = wantedMib ?? Math.max(MIN_DEFAULT_SIZE_MIB, comfortableMib(needs));
  if (chosen < needed) throw tooSmall(chosen, needed);
  return chosen;
}

function tooSmall(sizeMib: number, needed: number): ImageError {
  return new ImageError(`the contents do not fit into ${sizeMib} MiB, they need ${needed} MiB`, {
    hint: `Ask for ${needed} MiB or more, or leave the size out.`,
    details: { sizeMib, neededMib: needed },
  });
}
