import { ValidationError } from '../errors.ts';
import type { BackendChoice } from './backend-names.ts';
import type { BootImage } from './boot-image.ts';
import type { Channel } from './channel.ts';
import type { EnvVars } from './env-vars.ts';
import { accepted } from './parse.ts';
import { checkFields, vmOptionsSchema, type DiskMode } from './vm-fields.ts';
import { newVmId } from './vm-id.ts';

/** What can be asked of a new VM. All of it may be left out. */
export interface VmOptions {
  /** 1 to 64 of `a-z0-9-`, no hyphen at the ends. Default: `vm-` and 8 random hexadecimal digits. */
  readonly vmId?: string | null | undefined;
  /** Virtual CPUs, 1 to 32. Default 2. */
  readonly vcpuCount?: number | undefined;
  /** Memory in MiB, 128 to 16384. Default 512. */
  readonly memSizeMib?: number | undefined;
  /** Size of an isolated disk in MiB, not below that of the image. Default: that of the image. */
  readonly diskSizeMib?: number | null | undefined;
  /** An uncompressed ELF kernel with a PVH entry. Default: the kernel that comes with smolvm. */
  readonly kernelPath?: string | undefined;
  /** A raw ext4 image. It is written only with `diskMode: 'shared'`. Default: the base image of smolvm. */
  readonly rootfsPath?: string | undefined;
  /**
   * Kernel arguments. The words of the default, `console=ttyS0 reboot=k panic=1 pci=off`, and `init=/init` are accepted
   * and left to the machine; others are added to it.
   */
  readonly bootArgs?: string | undefined;
  /** The VMM to use. Default: the first that works on this host, as with `auto`. */
  readonly backend?: BackendChoice | null | undefined;
  /** `isolated`: a disk of its own over the image. `shared`: the image itself, which the VM writes. Default `isolated`. */
  readonly diskMode?: DiskMode | undefined;
  /** Does an isolated disk stay when the VM is deleted, for the next VM of this id? Default false. */
  readonly retainDiskOnDelete?: boolean | undefined;
  /** Variables for the guest; names are shell identifiers. They are kept in a private file of the VM. Default: none. */
  readonly envVars?: Readonly<Record<string, string>> | undefined;
}

/** Options after parsing: complete, frozen, but not yet compared with what this host has. */
export interface VmSpec {
  readonly vmId: string;
  readonly vcpuCount: number;
  readonly memSizeMib: number;
  readonly diskSizeMib: number | null;
  readonly kernelPath: string | undefined;
  readonly rootfsPath: string | undefined;
  readonly bootArgs: string;
  readonly backend: BackendChoice;
  readonly diskMode: DiskMode;
  readonly retainDiskOnDelete: boolean;
  readonly envVars: EnvVars;
  readonly channel: Channel;
  /** What it is made from, if that says how it boots. */
  readonly image: BootImage | null;
}

const WHAT = 'VM options';

/**
 * Options → spec. Pure: no file is looked at.
 *
 * @throws ValidationError (`INVALID_ARGUMENT`) with every problem at once
 */
export function parseVmSpec(options: unknown): VmSpec {
  const fields = accepted(checkFields(vmOptionsSchema, options), WHAT);
  if (fields.diskMode === 'shared' && fields.rootfsPath === undefined)
    throw new ValidationError(WHAT, ["rootfsPath: is required with diskMode 'shared'"]);
  return Object.freeze({
    ...fields,
    vmId: fields.vmId ?? newVmId(),
    backend: fields.backend ?? 'auto',
    kernelPath: fields.kernelPath,
    rootfsPath: fields.rootfsPath,
    channel: 'agent',
    image: null,
  });
}
