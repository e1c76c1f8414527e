import { setTimeout as sleep } from 'node:timers/promises';
import { CommandExecutionUnavailableError, OperationTimeoutError } from '../../errors.ts';
import type { GuestChannel } from '../../guest/guest-channel.ts';
import type { SshEndpoint } from '../../guest/ssh/endpoint.ts';
import { openSshChannel } from '../../guest/ssh/ssh-channel.ts';
import { isTransient } from '../../guest/ssh/ssh-failure.ts';
import { readAgentProgram } from '../../image/agent-program.ts';
import { ensureBaseImage } from '../../image/base-image.ts';
import { clientKeyPath, imagesFolder, vmPaths, type HostPaths } from '../../spec/file-names.ts';
import { hostKeyAlias } from '../../spec/ssh-public-key.ts';
import type { StateStore } from '../../store/state-store.ts';
import { readPinnedLine } from './client-key.ts';

/** What a connection needs to know of this host. */
export interface SshGround {
  readonly store: StateStore;
  readonly paths: HostPaths;
  readonly assetsFolder: string;
}

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 500;

/** Opens a session with a VM over SSH. A server that is not there yet is tried again until the signal aborts. */
export async function openVmSsh(ground: SshGround, vmId: string, signal: AbortSignal): Promise<GuestChannel> {
  const endpoint = endpointOf(ground, vmId);
  const { initrdPath } = await ensureBaseImage(ground.assetsFolder, imagesFolder(ground.paths));
  const launch = { program: readAgentProgram(initrdPath), ownsMachine: true };
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
    try {
      return await openSshChannel(endpoint, launch, signal);
    } catch (error) {
      if (!isTransient(error)) throw error;
      await pauseOrThrow(error, pauseMs, signal);
    }
  }
}

/** Where the time ends in a pause, what failed before says more than the time. */
async function pauseOrThrow(error: unknown, pauseMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(pauseMs, undefined, { signal });
  } catch (aborted) {
    if (signal.reason instanceof OperationTimeoutError) throw error;
    signal.throwIfAborted();
    throw aborted;
  }
}

/** The SSH server of a VM as this host reaches it. Throws COMMAND_UNAVAILABLE if it cannot be reached or trusted. */
export function endpointOf({ store, paths }: SshGround, vmId: string): SshEndpoint {
  const port = store.sshPort(vmId);
  const knownHostsPath = vmPaths(paths, vmId).knownHosts;
  const [, hostKeyType] = readPinnedLine(knownHostsPath)?.split(' ') ?? [];
  if (port === undefined || hostKeyType === undefined) throw notPrepared(vmId);
  return {
    host: '127.0.0.1',
    port,
    user: 'root',
    keyPath: clientKeyPath(paths),
    knownHostsPath,
    hostKeyAlias: hostKeyAlias(vmId),
    hostKeyType,
  };
}

function notPrepared(vmId: string): CommandExecutionUnavailableError {
  return new CommandExecutionUnavailableError(`no host key of the SSH server of VM '${vmId}' is pinned`, {
    hint: 'It is pinned when the VM starts: stop it and start it again.',
    details: { vmId },
  });
}
