import { ValidationError } from '../errors.ts';
import { BootImage } from './boot-image.ts';
import type { Channel } from './channel.ts';
import { hostArch } from './guest-arch.ts';
import { accepted, kindOf } from './parse.ts';
import { checkFields, imageOptionsSchema } from './vm-fields.ts';
import { newVmId } from './vm-id.ts';
import type { VmOptions, VmSpec } from './vm-spec.ts';

/** What can be asked of a VM that is made from an image. All of it may be left out. */
export interface ImageVmOptions extends Pick<
  VmOptions,
  'vmId' | 'memSizeMib' | 'diskSizeMib' | 'backend' | 'diskMode' | 'retainDiskOnDelete' | 'envVars'
> {
  /** Virtual CPUs, 1 to 32. Default 1. */
  readonly vcpuCount?: number | undefined;
  /** How commands reach the guest. `ssh` needs an image that is `sshCapable`. Default `agent`. */
  readonly channel?: Channel | undefined;
}

const WHAT = 'options of a VM from an image';

/**
 * Image and options → spec. Looks at no file.
 *
 * @throws ValidationError (`INVALID_ARGUMENT`) with every problem at once
 */
export function parseImageSpec(image: unknown, options: unknown): VmSpec {
  if (!(image instanceof BootImage))
    throw new ValidationError(WHAT, [`image: expected a BootImage, received ${kindOf(image)}`]);
  const fields = accepted(checkFields(imageOptionsSchema, options), WHAT);
  const asked = fields.backend ?? 'auto';
  const made = image.backend ?? 'auto';
  const problems = mismatches(image, asked, fields.channel);
  if (problems.length > 0) throw new ValidationError(WHAT, problems);
  return Object.freeze({
    ...fields,
    vmId: fields.vmId ?? newVmId(),
    kernelPath: image.kernelPath ?? undefined,
    rootfsPath: image.rootfsPath,
    bootArgs: '',
    backend: asked === 'auto' ? made : asked,
    image,
  });
}

function mismatches(image: BootImage, asked: VmSpec['backend'], channel: Channel): readonly string[] {
  const made = image.backend ?? 'auto';
  const host = hostArch();
  return [
    ...(asked !== 'auto' && made !== 'auto' && asked !== made
      ? [`backend: the image '${image.name}' is for ${made}, received "${asked}"`]
      : []),
    ...(image.arch !== null && image.arch !== host
      ? [`image: '${image.name}' is for ${image.arch}, this host is ${host ?? process.arch}`]
      : []),
    ...(channel === 'ssh' && !image.sshCapable
      ? [`channel: the image '${image.name}' is not sshCapable, received "ssh"`]
      : []),
  ];
}
