import { ValidationError } from '../../errors.ts';
import type { OnImageProgress } from '../../image/docker/image-progress.ts';
import { parseChoice, specWithImage, type ChosenVm, type ImageChoice } from '../../spec/image-choice.ts';
import { VM_OPTIONS, type VmOptions, type VmSpec } from '../../spec/vm-spec.ts';
import { createVm, type CreatedVm, type CreateOptions } from '../create-vm.ts';
import type { Services } from '../services.ts';
import { bootImageOf } from './stored-image.ts';

/** An image for a new VM, which may have to be pulled. */
export interface ImageUse extends ImageChoice {
  /** Is told what is done if the image is pulled. */
  readonly onImageProgress?: OnImageProgress | undefined;
}

/** A new VM, parsed. */
export interface NewVm extends Partial<ChosenVm> {
  readonly spec: VmSpec;
  readonly onProgress?: OnImageProgress | undefined;
}

/** Options → what to make. @throws ValidationError with every problem of them */
export function parseNewVm({ onImageProgress, ...options }: VmOptions & ImageUse): NewVm {
  if (onImageProgress !== undefined && typeof onImageProgress !== 'function')
    throw new ValidationError(VM_OPTIONS, ['onImageProgress: expected a function']);
  return { ...parseChoice(options), onProgress: onImageProgress };
}

/** Makes a VM, after its image was found or pulled. */
export async function makeVm(services: Services, asked: NewVm, options: CreateOptions): Promise<CreatedVm> {
  return createVm(services, await resolveSpec(services, asked, options), options);
}

async function resolveSpec(
  services: Services,
  { spec, image, pull = 'missing', onProgress }: NewVm,
  { signal }: CreateOptions,
): Promise<VmSpec> {
  if (image === undefined) return spec;
  if (typeof image !== 'string') return specWithImage(spec, image);
  // Loaded when it is needed: most VMs are made without it.
  const { resolveNamedImage } = await import('./resolve-image.ts');
  const named = await resolveNamedImage(services, image, { pull, signal, onProgress });
  return specWithImage(spec, bootImageOf(named));
}
