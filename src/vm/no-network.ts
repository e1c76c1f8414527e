import { SmolVMError } from '../errors.ts';

/** Guests have no network yet: what they are asked for that needs one. */
export function noNetwork(vmId: string): SmolVMError {
  return new SmolVMError('NETWORK_UNAVAILABLE', `VM '${vmId}' has no network, so it has no address`, {
    hint: 'Guests have no network yet: pass data in and out with run, its input and its output.',
    details: { vmId },
  });
}
