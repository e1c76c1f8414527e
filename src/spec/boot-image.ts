import { ValidationError } from '../errors.ts';
import type { BackendChoice, BackendName } from './backend-names.ts';
import { BOOT_IMAGE, parseBootImage, type BootImageFields } from './boot-image-fields.ts';
import { DirectKernelBoot, type RenderTarget } from './direct-kernel-boot.ts';
import { guestArch, hostArch, type GuestArch } from './guest-arch.ts';
import type { ImageConfig } from './image-config.ts';
import { isRecord, kindOf } from './parse.ts';

/**
 * An image that can boot, and how. Frozen and checked as a whole: its files exist.
 *
 * @example
 * ```ts
 * const image = new BootImage({ name: 'worker', rootfsPath: './worker.ext4', boot: new DirectKernelBoot() });
 * const vm = await SmolVM.fromImage(image, { memSizeMib: 1024 });
 * ```
 */
export class BootImage implements BootImageFields {
  readonly name: string;
  readonly rootfsPath: string;
  readonly rootfsFormat: 'raw-ext4';
  readonly kernelPath: string | null;
  readonly initrdPath: string | null;
  readonly boot: DirectKernelBoot | 'agent' | null;
  readonly bootArgs: string | null;
  readonly backend: BackendChoice | null;
  readonly arch: GuestArch | null;
  readonly sshCapable: boolean;
  readonly config: ImageConfig | null;

  /** @throws ValidationError (`INVALID_ARGUMENT`) with every problem at once */
  constructor(fields: BootImageFields) {
    const { parsed, boot } = parseBootImage(fields);
    this.name = parsed.name;
    this.rootfsPath = parsed.rootfsPath;
    this.rootfsFormat = parsed.rootfsFormat;
    this.kernelPath = parsed.kernelPath;
    this.initrdPath = parsed.initrdPath;
    this.boot = boot;
    this.bootArgs = parsed.bootArgs;
    this.backend = parsed.backend;
    this.arch = parsed.arch === null ? null : (guestArch(parsed.arch) ?? null);
    this.sshCapable = parsed.sshCapable;
    this.config = parsed.config === null ? null : frozenConfig(parsed.config);
    Object.freeze(this);
  }

  /** `agent`: smolvm's agent is the first process; `direct-kernel`: the image's own init. */
  get bootMode(): 'agent' | 'direct-kernel' {
    return this.boot === 'agent' ? 'agent' : 'direct-kernel';
  }

  /**
   * The kernel's command line of a direct boot; empty text for one with the agent.
   *
   * @param target - what is left out is what the image was made for, else QEMU and this host
   */
  renderBootArgs(target: Partial<RenderTarget> = {}): string {
    if (this.bootArgs !== null) return this.bootArgs;
    if (!(this.boot instanceof DirectKernelBoot)) return '';
    const made: BackendName = this.backend === null || this.backend === 'auto' ? 'qemu' : this.backend;
    return this.boot.render({
      backend: target.backend ?? made,
      arch: target.arch ?? this.arch ?? hostArch() ?? 'amd64',
      verboseBoot: target.verboseBoot,
    });
  }

  /** A new image description with these fields changed, checked as a whole. What is `undefined` stays as it is. */
  with(changes: Partial<BootImageFields>): BootImage {
    if (!isRecord(changes))
      throw new ValidationError(BOOT_IMAGE, [`expected an object of changes, received ${kindOf(changes)}`]);
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    return new BootImage({ ...this.toJSON(), ...Object.fromEntries(given) });
  }

  /** All fields as plain data, from which `new BootImage` makes an equal one. */
  toJSON(): Required<BootImageFields> {
    const boot = this.boot instanceof DirectKernelBoot ? this.boot.toJSON() : this.boot;
    return { ...(Object.fromEntries(Object.entries(this)) as Required<BootImageFields>), boot };
  }
}

function frozenConfig(config: ImageConfig): ImageConfig {
  return Object.freeze({
    ...config,
    env: Object.freeze({ ...config.env }),
    entrypoint: Object.freeze([...config.entrypoint]),
    cmd: Object.freeze([...config.cmd]),
    exposedPorts: Object.freeze([...config.exposedPorts]),
  });
}
