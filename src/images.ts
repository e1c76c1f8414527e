import { withHost } from './shared-host.ts';
import type { BootImage } from './spec/boot-image.ts';
import type { PullPolicy } from './spec/image-choice.ts';
import {
  buildSourceSchema,
  loadOptionsSchema,
  makeOptionsSchema,
  parseImportSource,
  parseOptions,
  pruneOptionsSchema,
  pullOptionsSchema,
  removeOptionsSchema,
  resolveOptionsSchema,
  saveOptionsSchema,
  type BuildSource,
  type ImageOptions,
  type ImportSource,
  type MakeImageOptions,
  type PullOptions,
} from './vm/images/image-options.ts';
import type { DamagedImage, ImageInfo } from './vm/images/list-images.ts';
import type { PruneResult } from './vm/images/prune-images.ts';
import type { RemovedImage } from './vm/images/remove-image.ts';
import type { SavedImage } from './vm/images/save-load.ts';
import { bootImageOf } from './vm/images/stored-image.ts';

/** Loaded when it is first used: most programs only run VMs. */
const operations = () => import('./vm/images/operations.ts');

/**
 * Images with names, kept in the state folder. Those that become VMs are ready for {@link SmolVM.fromImage}; by name they
 * are had with `SmolVM.create({ image })`. They boot with smolvm's agent: nothing need be in them.
 *
 * Names are written as those of registries (`python:3.12`, `ghcr.io/a/b:tag`); those of one's own too (`tools`, which is
 * `tools:latest`).
 *
 * @example
 * ```ts
 * const image = await images.pull('python:3.12');
 * await using vm = await SmolVM.fromImage(image);
 * await vm.start();
 * ```
 */
export const images = Object.freeze({
  /**
   * Gets an image from its registry, without Docker, and makes its file system. One that is here and has not changed there
   * is left as it is.
   *
   * @throws INVALID_ARGUMENT; IMAGE_INVALID: the registry or the image cannot be used; TIMEOUT: the connection stalls;
   * NO_SPACE, BUSY (it is damaged here and VMs use it), ABORTED
   */
  async pull(reference: string, options: PullOptions = {}): Promise<BootImage> {
    const parsed = parseOptions(pullOptionsSchema, options, 'images.pull');
    return withHost(async (services) =>
      bootImageOf(await (await operations()).pullNamedImage(services, reference, parsed)),
    );
  },

  /**
   * Makes an image of a tar archive of a root file system, of a folder, or of an image that a container engine of this host
   * has. If an image has the name already, it loses it.
   *
   * @throws INVALID_ARGUMENT, IMAGE_INVALID, NO_SPACE, PERMISSION_DENIED, ABORTED
   * @example
   * ```ts
   * const image = await images.import({ path: './rootfs.tar.gz' }, 'tools:1');
   * ```
   */
  async import(source: ImportSource, name: string, options: MakeImageOptions = {}): Promise<BootImage> {
    const from = parseImportSource(source);
    const parsed = parseOptions(makeOptionsSchema, options, 'images.import');
    return withHost(async (services) =>
      bootImageOf(await (await operations()).importNamedImage(services, from, name, parsed)),
    );
  },

  /**
   * Lets a container engine of this host build a Dockerfile, and makes an image of what comes of it.
   *
   * @throws INVALID_ARGUMENT; IMAGE_INVALID: the build failed, or no engine works (`details.problem`); NO_SPACE, ABORTED
   * @example
   * ```ts
   * const image = await images.build({ folder: './worker', name: 'worker' });
   * ```
   */
  async build(source: BuildSource, options: MakeImageOptions = {}): Promise<BootImage> {
    const from = parseOptions(buildSourceSchema, source, 'images.build');
    const parsed = parseOptions(makeOptionsSchema, options, 'images.build');
    return withHost(async (services) =>
      bootImageOf(await (await operations()).buildNamedImage(services, from, parsed)),
    );
  },

  /**
   * The image of a name: the one that is here, else (`pull: 'missing'`, the default) that of its registry.
   * `always` asks the registry whether it has a newer one, `never` does not ask it at all.
   *
   * @throws IMAGE_INVALID, and what {@link images.pull} throws
   */
  async resolve(
    name: string,
    options: ImageOptions & { readonly pull?: PullPolicy | undefined } = {},
  ): Promise<BootImage> {
    const parsed = parseOptions(resolveOptionsSchema, options, 'images.resolve');
    return withHost(async (services) =>
      bootImageOf(await (await operations()).resolveNamedImage(services, name, parsed)),
    );
  },

  /** All images, by name. One that is damaged has the state `damaged`; those without a name come last. */
  async list(): Promise<readonly (ImageInfo | DamagedImage)[]> {
    return withHost(async (services) => (await operations()).listStoredImages(services));
  },

  /** One image, by a name or its key. @throws IMAGE_INVALID if there is none */
  async inspect(name: string): Promise<ImageInfo | DamagedImage> {
    return withHost(async (services) => (await operations()).inspectStoredImage(services, name));
  },

  /**
   * Removes a name and, with its last one, the image. An image over which the disk of a VM or a retained disk lies keeps
   * its last name, unless `force` is true; its files stay in any case.
   *
   * @throws IMAGE_INVALID: there is no such name; BUSY: VMs use it (`details.usedBy`)
   */
  async remove(name: string, options: { readonly force?: boolean | undefined } = {}): Promise<RemovedImage> {
    const parsed = parseOptions(removeOptionsSchema, options, 'images.remove');
    return withHost(async (services) => (await operations()).removeNamedImage(services, name, parsed));
  },

  /**
   * Removes images that have no name and that no VM uses, layers that belong to no image, what dead processes have left,
   * and unpacked kernels and base images of other versions of smolvm. With `dryRun` it only tells what.
   *
   * @throws ABORTED, PERMISSION_DENIED
   */
  async prune(
    options: { readonly dryRun?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<PruneResult> {
    const parsed = parseOptions(pruneOptionsSchema, options, 'images.prune');
    return withHost(async (services) => (await operations()).pruneStoredImages(services, parsed));
  },

  /**
   * Writes an image with its configuration into one file. A file that is there is replaced only with `overwrite`, and only
   * by a whole archive.
   *
   * @throws INVALID_ARGUMENT (the file exists), IMAGE_INVALID, NO_SPACE, PERMISSION_DENIED, ABORTED
   */
  async save(
    name: string,
    path: string,
    options: ImageOptions & { readonly overwrite?: boolean | undefined } = {},
  ): Promise<SavedImage> {
    const parsed = parseOptions(saveOptionsSchema, options, 'images.save');
    return withHost(async (services) => (await operations()).saveNamedImage(services, name, path, parsed));
  },

  /**
   * Makes an image of a file that {@link images.save} wrote, when all of it was found sound. Without `overwrite` a name that
   * is taken is refused.
   *
   * @throws INVALID_ARGUMENT (the name is taken), IMAGE_INVALID (the archive is not sound), NO_SPACE, ABORTED
   */
  async load(
    path: string,
    options: ImageOptions & {
      /** Default: the name with which it was saved. */
      readonly name?: string | undefined;
      readonly overwrite?: boolean | undefined;
    } = {},
  ): Promise<BootImage> {
    const parsed = parseOptions(loadOptionsSchema, options, 'images.load');
    return withHost(async (services) =>
      bootImageOf(await (await operations()).loadNamedImage(services, path, parsed)),
    );
  },
});
