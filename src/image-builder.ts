import { Deadline } from './base/deadline.ts';
import { ImageError } from './errors.ts';
import { authorizedKeyWord } from './image/docker/authorized-key.ts';
import { findEngine } from './image/docker/engine.ts';
import {
  parseBuilderOptions,
  parseSshImageOptions,
  type ImageBuilderOptions,
  type SshImageOptions,
} from './image/docker/ssh-image-options.ts';
import { alpineSshDockerfile, debianSshDockerfile, type SshImage } from './image/docker/ssh-dockerfiles.ts';
import type { ImagePair } from './image/docker/ssh-image.ts';
import { imagePlaces } from './open-host.ts';
import { SSH_BOOT_ARGS } from './spec/boot-args.ts';

/** Loaded when it is first used: most programs only run VMs. */
const building = () => import('./image/docker/ssh-image.ts');

/** An image with an SSH server, ready to boot. */
export interface BuiltImage extends ImagePair {
  /** {@link SSH_BOOT_ARGS}, and what the guest is told: to start its SSH server, and the public key of its user. */
  readonly bootArgs: string;
}

/** What an image with a password is made from. All of it may be left out. */
export interface PasswordImageOptions extends SshImageOptions {
  /** Of root. Default `smolvm`. */
  readonly sshPassword?: string | undefined;
}

/** What an image for keys is made from. */
export interface KeyImageOptions extends SshImageOptions {
  /** One line, as in `~/.ssh/id_ed25519.pub`. It is not part of the image: one image serves all keys. */
  readonly sshPublicKey: string;
}

/**
 * Linux images with an SSH server and smolvm's agent, built with Docker, Podman or Buildah and kept by name.
 *
 * @example
 * ```ts
 * const builder = new ImageBuilder();
 * const { kernelPath, rootfsPath, bootArgs } = await builder.buildDebianSshKey({
 *   sshPublicKey: await readFile('/home/me/.ssh/id_ed25519.pub', 'utf8'),
 * });
 * const image = new BootImage({ name: 'debian', kernelPath, rootfsPath, bootArgs, sshCapable: true });
 * ```
 */
export class ImageBuilder {
  readonly #options: ImageBuilderOptions;

  /** @throws ValidationError (`INVALID_ARGUMENT`) */
  constructor(options: ImageBuilderOptions = {}) {
    this.#options = parseBuilderOptions(options);
  }

  /**
   * Alpine; root logs in with a password or a key. The password is in no layer and no argument of a build: its hash is
   * put into the finished file system.
   *
   * @throws INVALID_ARGUMENT; ImageError: as {@link DockerRootfsBuilder.ensure}; NO_SPACE, PERMISSION_DENIED, ABORTED
   */
  async buildAlpineSsh(options: PasswordImageOptions = {}): Promise<BuiltImage> {
    const { sshPassword = 'smolvm', ...rest } = options;
    return this.#build(rest, { ...ALPINE, name: 'alpine-ssh' }, { sshPassword });
  }

  /** Alpine; root logs in with a key. Throws what {@link ImageBuilder.buildAlpineSsh} does. */
  async buildAlpineSshKey(options: KeyImageOptions): Promise<BuiltImage> {
    const { sshPublicKey, ...rest } = options;
    return this.#build(rest, { ...ALPINE, name: 'alpine-ssh-key' }, { sshPublicKey });
  }

  /** Debian, for work that needs `apt` or glibc; root logs in with a key. Throws what {@link ImageBuilder.buildAlpineSsh} does. */
  async buildDebianSshKey(options: KeyImageOptions): Promise<BuiltImage> {
    const { sshPublicKey, ...rest } = options;
    return this.#build(rest, DEBIAN, { sshPublicKey });
  }

  /** Does an engine work here? Takes up to 20 s where one hangs. */
  async checkDocker(signal?: AbortSignal): Promise<boolean> {
    return (await this.dockerRequirementError(signal)) === undefined;
  }

  /** Why no engine works here, with the cure for this system in its `hint`; undefined if one does. */
  async dockerRequirementError(signal?: AbortSignal): Promise<ImageError | undefined> {
    using deadline = new Deadline('look for an engine', Infinity, signal);
    const { env } = imagePlaces(this.#options.cacheDir);
    try {
      await findEngine({ engine: this.#options.engine, env }, deadline.signal);
      return undefined;
    } catch (error) {
      if (error instanceof ImageError) return error;
      throw error;
    }
  }

  async #build(options: SshImageOptions, usual: Flavour, login: Login): Promise<BuiltImage> {
    const keyWord = 'sshPublicKey' in login ? [authorizedKeyWord(login.sshPublicKey)] : [];
    const password = 'sshPassword' in login ? login.sshPassword : undefined;
    const image = parseSshImageOptions(options, usual, password);
    const dockerfile = usual.dockerfile({
      baseImage: image.baseImage,
      mirror: image.mirror,
      login: password === undefined ? 'key' : 'password',
    });
    using deadline = new Deadline(`build the image '${image.name}'`, Infinity, image.signal);
    const { ensureSshImage } = await building();
    const pair = await ensureSshImage(
      imagePlaces(this.#options.cacheDir),
      {
        name: image.name,
        dockerfile,
        login: password === undefined ? 'key' : 'password',
        password,
        rootfsSizeMib: image.rootfsSizeMib,
        engine: this.#options.engine,
      },
      { signal: deadline.signal, onProgress: image.onProgress },
    );
    return { ...pair, bootArgs: [SSH_BOOT_ARGS, 'smolvm.sshd=1', ...keyWord].join(' ') };
  }
}

/** How root gets in. */
type Login = { readonly sshPassword: string } | { readonly sshPublicKey: string };

/** What images of a distribution have in common. */
interface Flavour {
  readonly name: string;
  readonly baseImage: string;
  readonly rootfsSizeMib: number;
  readonly dockerfile: (image: SshImage) => string;
}

const ALPINE: Omit<Flavour, 'name'> = {
  baseImage: 'alpine:3.19',
  rootfsSizeMib: 512,
  dockerfile: alpineSshDockerfile,
};

const DEBIAN: Flavour = {
  name: 'debian-ssh-key',
  baseImage: 'debian:bookworm-slim',
  rootfsSizeMib: 2_048,
  dockerfile: debianSshDockerfile,
};
