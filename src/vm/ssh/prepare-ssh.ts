import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { errnoOf, isSmolVMError, SmolVMError } from '../../errors.ts';
import type { SshBoot } from '../../hypervisor/hypervisor.ts';
import { vmPaths } from '../../spec/file-names.ts';
import type { ResolvedVm } from '../../spec/vm-record.ts';
import type { Services } from '../services.ts';
import { ensureClientKey } from './client-key.ts';
import { pinHostKey } from './pin-host-key.ts';

/**
 * What a boot needs so that the guest's SSH server can be reached and lets us in; null for a VM without one. A key that
 * an earlier boot pinned is forgotten.
 *
 * @param avoid - ports that turned out to be taken
 */
export async function prepareSsh(
  services: Services,
  vm: ResolvedVm,
  avoid: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<SshBoot | null> {
  if (!vm.sshCapable) return null;
  await rm(vmPaths(services.paths, vm.vmId).knownHosts, { force: true });
  const { publicKey } = await ensureClientKey(services.paths, signal);
  return { hostPort: await leaseFreePort(services, vm.vmId, avoid), publicKey };
}

/** A leased port on which nobody else listens now. */
async function leaseFreePort(services: Services, vmId: string, avoid: ReadonlySet<number>): Promise<number> {
  const taken = new Set(avoid);
  for (;;) {
    const port = services.store.leaseSshPort(vmId, taken);
    if (port === undefined) {
      throw new SmolVMError(
        'PORT_UNAVAILABLE',
        'no port of this host is free for the SSH server of the guest',
        {
          hint: 'Delete VMs that are not needed, or end programs that listen on ports from 2200 on.',
        },
      );
    }
    if (await isFree(port)) return port;
    taken.add(port);
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EADDRINUSE' || errno === 'EACCES') return false;
    throw error;
  } finally {
    server.close();
  }
}

/** Pins the host key and opens the session; then commands can be run. The agent's own line is given back. */
export async function reachBySsh(
  services: Services,
  vm: ResolvedVm,
  answerer: 'agent' | 'nobody',
  signal: AbortSignal,
): Promise<void> {
  const agent = answerer === 'agent' ? await services.channels.getAgent(vm.vmId, signal) : undefined;
  await pinHostKey(services, vm, agent, signal);
  const channel = await services.channels.get(vm.vmId, signal);
  if (agent === undefined) await channel.setTime(signal);
  await services.channels.closeOne('agent', vm.vmId);
}

/** Did the VMM end because somebody else listens on the port that it was given? */
export function isPortTaken({ hypervisors }: Services, { backend }: ResolvedVm, error: unknown): boolean {
  const sign = hypervisors.find(({ name }) => name === backend)?.portTakenSign;
  if (sign === undefined || !isSmolVMError(error, 'LAUNCH_FAILED')) return false;
  const { log } = error.details;
  return typeof log === 'string' && log.includes(sign);
}
