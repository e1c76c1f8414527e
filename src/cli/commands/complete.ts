import { images, SmolVM } from '../../index.ts';
import type { Outcome } from '../context.ts';

/** `smolvm __complete`: what the scripts of `completion` ask for, one id a line. */
export async function completeVms(): Promise<Outcome> {
  const vmIds = (await SmolVM.list()).map(({ vmId }) => vmId).filter((vmId) => /^[a-z0-9-]+$/.test(vmId));
  return { data: { vmIds }, text: vmIds.map((vmId) => `${vmId}\n`).join('') };
}

/** `smolvm __complete images`: the names of images that are here. */
export async function completeImages(): Promise<Outcome> {
  const names = (await images.list()).flatMap((image) => image.names);
  return { data: { names }, text: names.map((name) => `${name}\n`).join('') };
}
