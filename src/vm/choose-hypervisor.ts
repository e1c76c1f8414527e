import { SmolVMError } from '../errors.ts';
import type { Hypervisor, Supported } from '../hypervisor/hypervisor.ts';
import type { Services } from './services.ts';

/** A backend that works on this host. */
export interface ChosenHypervisor {
  readonly hypervisor: Hypervisor;
  readonly support: Supported;
}

/**
 * The named backend, or with `auto` the first that works. Each "no" keeps its reason.
 *
 * @param kernelPath - a kernel for the probe boot
 */
export async function chooseHypervisor(
  services: Services,
  backend: string,
  kernelPath: string,
  signal: AbortSignal,
): Promise<ChosenHypervisor> {
  const candidates = services.hypervisors.filter(({ name }) => backend === 'auto' || name === backend);
  if (candidates.length === 0) throw missingBackend(services, backend);
  const refusals: { readonly name: string; readonly reason: string; readonly hint: string }[] = [];
  for (const hypervisor of candidates) {
    const support = await hypervisor.probe({
      fact: (key) => services.store.fact(key),
      setFact: (key, value) => {
        services.store.setFact(key, value);
      },
      binary: services.hypervisorBinary,
      kernelPath,
      signal,
    });
    if (support.ok) return { hypervisor, support };
    refusals.push({ name: hypervisor.name, reason: support.reason, hint: support.hint });
  }
  const reasons = refusals.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  throw new SmolVMError('HYPERVISOR_UNAVAILABLE', `no VM can run on this host (${reasons})`, {
    hint: refusals[0]?.hint,
    details: { refusals },
  });
}

/** A backend that may be named, and is not part of this version. */
function missingBackend(services: Services, backend: string): SmolVMError {
  const names = ['auto', ...services.hypervisors.map(({ name }) => name)].join(', ');
  return new SmolVMError('HYPERVISOR_UNAVAILABLE', `the backend '${backend}' is not there yet`, {
    hint: `Use one of: ${names}`,
    details: { backend },
  });
}
