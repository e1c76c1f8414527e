import { SmolVM } from '../../index.ts';
import type { Outcome } from '../context.ts';

/** `smolvm __complete`: what the scripts of `completion` ask for, one id a line. */
export async function complete(): Promise<Outcome> {
  const vmIds = (await SmolVM.list()).map(({ vmId }) => vmId).filter((vmId) => /^[a-z0-9-]+$/.test(vmId));
  return { data: { vmIds }, text: vmIds.map((vmId) => `${vmId}\n`).join('') };
}
