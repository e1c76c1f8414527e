import { Deadline } from './base/deadline.ts';
import { imagePlaces } from './open-host.ts';
import { ensureKernel } from './image/base-image.ts';
import { parseEnsureOptions, type EnsureOptions } from './image/docker/ensure-options.ts';
import {
  parseRootfsOptions,
  type DockerRootfsOptions,
  type RootfsRecipe,
} from './image/docker/rootfs-options.ts';
import { BootImage } from './spec/boot-image.ts';

/** Loaded when it is first used: most programs only run VMs. */
const building = () => import('./image/docker/docker-rootfs.ts');

/**
 * Root file systems from a Dockerfile, kept by what they are built from. Nothing is added to an image: its own `/init` is
 * its first process. For images that take commands see {@link ImageBuilder}.
 *
 * @example
 * ```ts
 * const builder = new DockerRootfsBuilder({
 *   name: 'worker-rootfs',
 *   dockerfile: 'FROM alpine:3.20\nRUN apk add --no-cache python3\nCOPY init /init\n',
 *   context: { init: { content: '#!/bin/sh\nwhile true; do sleep 3600; done\n', mode: 0o755 } },
 * });
 * const image = await builder.ensure({ backend: 'qemu', boot: new DirectKernelBoot() });
 * ```
 */
export class DockerRootfsBuilder {
  readonly #recipe: RootfsRecipe;

  /** @throws ValidationError (`INVALID_ARGUMENT`) with every problem at once. No file is looked at. */
  constructor(options: DockerRootfsOptions) {
    this.#recipe = parseRootfsOptions(options);
  }

  /** The name of the image. */
  get name(): string {
    return this.#recipe.name;
  }

  /**
   * The image, built if it is not in the cache. One that is cached needs no engine; of several processes that ask for the
   * same at once one builds.
   *
   * @throws INVALID_ARGUMENT; ImageError (`IMAGE_INVALID`): a file of the context is missing, the build failed, or no engine
   * works (`details.problem` is `not-installed`, `daemon-not-running`, `permission-denied`, `disk-full` or
   * `registry-unreachable`, the hint is the cure for this system); NO_SPACE, PERMISSION_DENIED, ABORTED
   */
  async ensure(options: EnsureOptions): Promise<BootImage> {
    const { backend, arch, boot, bootArgs, signal, onProgress } = parseEnsureOptions(options);
    const { ensureDockerRootfs, requireKernelFor } = await building();
    requireKernelFor(arch);
    const recipe = this.#recipe;
    const places = imagePlaces(recipe.cacheDir);
    using deadline = new Deadline(`build the image '${recipe.name}'`, Infinity, signal);
    const rootfsPath = await ensureDockerRootfs(places, recipe, {
      arch,
      signal: deadline.signal,
      onProgress,
    });
    const kernelPath = await ensureKernel(places.assetsFolder, places.imagesFolder);
    return new BootImage({
      name: recipe.name,
      rootfsPath,
      kernelPath,
      backend,
      arch,
      boot,
      bootArgs,
      sshCapable: recipe.sshCapable,
    });
  }
}
