import * as v from 'valibot';
import { ValidationError } from '../errors.ts';
import { BootImage } from './boot-image.ts';
import { imageMismatches } from './image-spec.ts';
import { accepted, checkWith } from './parse.ts';
import { oneOf } from './vm-fields.ts';
import { parseVmSpec, VM_OPTIONS, type VmSpec } from './vm-spec.ts';

/** Does a use of an image's name ask the registry? */
export const PULL_POLICIES = ['missing', 'always', 'never'] as const;

/** One of {@link PULL_POLICIES}. */
export type PullPolicy = (typeof PULL_POLICIES)[number];

/** An image for a new VM. */
export interface ImageChoice {
  /** A name, such as `python:3.12`, or an image that says how it boots. Instead of `rootfsPath`. */
  readonly image?: string | BootImage | undefined;
  /**
   * Does a name mean the image that is here, else that of its registry (`missing`, the default); what the registry has now
   * (`always`); or only one that is here (`never`)?
   */
  readonly pull?: PullPolicy | undefined;
}

const choiceSchema = v.object({
  image: v.optional(
    v.union([v.string(), v.instance(BootImage)], 'expected the name of an image, or a BootImage'),
  ),
  pull: v.optional(oneOf(PULL_POLICIES)),
});

/** A new VM, parsed but for what its image says. */
export interface ChosenVm {
  readonly spec: VmSpec;
  readonly image: string | BootImage | undefined;
  readonly pull: PullPolicy;
}

/**
 * Options of a VM and of its image → what to make. No file is looked at and no registry asked.
 *
 * @throws ValidationError (`INVALID_ARGUMENT`)
 */
export function parseChoice({
  image,
  pull,
  ...options
}: ImageChoice & Readonly<Record<string, unknown>>): ChosenVm {
  const checked = accepted(checkWith(choiceSchema, { image, pull }), VM_OPTIONS);
  const spec = parseVmSpec(options);
  const problems = clashes(options, checked);
  if (problems.length > 0) throw new ValidationError(VM_OPTIONS, problems);
  return { spec, image: checked.image, pull: checked.pull ?? 'missing' };
}

function clashes(
  { rootfsPath, diskMode, bootArgs }: Readonly<Record<string, unknown>>,
  { image, pull }: ImageChoice,
): readonly string[] {
  if (image === undefined) return pull === undefined ? [] : ['pull: needs the name of an image'];
  const isDirect = image instanceof BootImage && image.bootMode === 'direct-kernel';
  return [
    ...(rootfsPath === undefined ? [] : ['image, rootfsPath: are mutually exclusive']),
    ...(typeof image === 'string' && diskMode === 'shared'
      ? ['diskMode: an image that has a name is never written, received "shared"']
      : []),
    ...(isDirect && bootArgs !== undefined
      ? ['bootArgs: the image says all kernel arguments of its boot']
      : []),
    ...(typeof image === 'string' || pull === undefined ? [] : ['pull: needs the name of an image']),
  ];
}

/** A spec with what its image says. @throws ValidationError if the image is for another machine */
export function specWithImage(spec: VmSpec, image: BootImage): VmSpec {
  // That it has an SSH server is for the options to say, as with a `rootfsPath`.
  const problems = imageMismatches(image, spec.backend, 'agent');
  if (problems.length > 0) throw new ValidationError(VM_OPTIONS, problems);
  return Object.freeze({
    ...spec,
    kernelPath: spec.kernelPath ?? image.kernelPath ?? undefined,
    rootfsPath: image.rootfsPath,
    bootArgs: image.bootMode === 'agent' ? spec.bootArgs : '',
    sshCapable: spec.sshCapable || image.sshCapable,
    backend: spec.backend === 'auto' ? (image.backend ?? 'auto') : spec.backend,
    image,
  });
}
