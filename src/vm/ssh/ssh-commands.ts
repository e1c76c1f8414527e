import { Deadline } from '../../base/deadline.ts';
import { shellWords } from '../../base/shell-words.ts';
import { CommandExecutionUnavailableError } from '../../errors.ts';
import { trustOptions } from '../../guest/ssh/endpoint.ts';
import { vmPaths } from '../../spec/file-names.ts';
import { requireUp } from '../command/open-session.ts';
import { findVm } from '../find-vm.ts';
import type { Services } from '../services.ts';
import { readPinnedLine } from './client-key.ts';
import { endpointOf } from './open-vm-ssh.ts';
import { pinHostKey } from './pin-host-key.ts';

/** How an ordinary SSH client reaches a VM. Whoever can read the key file can use it: only this user of this host. */
export interface SshCommands {
  /** Program and arguments; a command for the guest may be added. */
  readonly command: readonly [string, ...string[]];
  /** The same for a shell. */
  readonly text: string;
  /** Add the two places; that in the guest is `root@127.0.0.1:/path`. */
  readonly scp: readonly [string, ...string[]];
  readonly sftp: readonly [string, ...string[]];
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private key of this user. */
  readonly keyPath: string;
  /** Holds exactly the pinned host key of this VM, under the name `hostKeyAlias`. */
  readonly knownHostsPath: string;
  readonly hostKeyAlias: string;
}

const PIN_TIMEOUT_MS = 30_000;

/** The commands for a VM that runs. The host key is pinned now if the start did not need it. */
export async function sshCommands(
  services: Services,
  vmId: string,
  signal?: AbortSignal,
): Promise<SshCommands> {
  const record = findVm(services, vmId);
  const { vm } = record;
  requireUp(record);
  if (!vm.sshCapable) throw notCapable(vmId);
  if (readPinnedLine(vmPaths(services.paths, vmId).knownHosts) === undefined) {
    using deadline = new Deadline(`reach the SSH server of VM '${vmId}'`, PIN_TIMEOUT_MS, signal);
    const isAgentless = 'agentless' in record.status;
    const agent = isAgentless ? undefined : await services.channels.getAgent(vmId, deadline.signal);
    await pinHostKey(services, vm, agent, deadline.signal);
  }
  const endpoint = endpointOf(services, vmId);
  const { host, port, user, keyPath, knownHostsPath, hostKeyAlias } = endpoint;
  const trust = ['-F', '/dev/null', ...trustOptions(endpoint)];
  const command = ['ssh', ...trust, '-p', String(port), '-l', user, host] as const;
  return {
    command,
    text: shellWords(command),
    scp: ['scp', ...trust, '-P', String(port)],
    sftp: ['sftp', ...trust, '-P', String(port), `${user}@${host}`],
    host,
    port,
    user,
    keyPath,
    knownHostsPath,
    hostKeyAlias,
  };
}

function notCapable(vmId: string): CommandExecutionUnavailableError {
  return new CommandExecutionUnavailableError(`VM '${vmId}' was made without SSH`, {
    hint: `Make it of an image with openssh-server and with sshCapable: smolvm create --ssh; or use: smolvm shell ${vmId}`,
    details: { vmId },
  });
}
