import { writeAll, writeFileAtomic } from '../../base/write-atomic.ts';
import { CommandExecutionUnavailableError, isSmolVMError, SmolVMError } from '../../errors.ts';
import type { GuestChannel } from '../../guest/guest-channel.ts';
import { vmPaths } from '../../spec/file-names.ts';
import {
  hostKeyAlias,
  knownHostsLine,
  parseSshPublicKey,
  type SshPublicKey,
} from '../../spec/ssh-public-key.ts';
import type { ResolvedVm } from '../../spec/vm-record.ts';
import { runTool } from '../files/run-tool.ts';
import type { Services } from '../services.ts';

/**
 * Pins the host key of a VM's SSH server: the one that the agent in the guest tells on its own line, which nobody else
 * can speak on, or the one that the VM's maker gave. A key that the server itself shows is never believed.
 *
 * @param agent - the session with the guest's agent; undefined if none answers
 */
export async function pinHostKey(
  services: Services,
  vm: ResolvedVm,
  agent: GuestChannel | undefined,
  signal: AbortSignal,
): Promise<void> {
  const given = vm.sshHostKey === null ? undefined : parseSshPublicKey(vm.sshHostKey, 'sshHostKey');
  const told = agent === undefined ? undefined : await askAgent(vm.vmId, agent, signal);
  const key = given ?? told;
  if (key === undefined) throw noTrust(vm.vmId);
  if (told !== undefined && told.base64 !== key.base64) throw otherKey(vm.vmId);
  const line = Buffer.from(knownHostsLine(hostKeyAlias(vm.vmId), key));
  await writeFileAtomic({
    path: vmPaths(services.paths, vm.vmId).knownHosts,
    mode: 0o600,
    durable: false, // each start pins it again
    write: (file) => writeAll(file, line, 0),
  });
}

/** Waits until the server takes connections. */
async function askAgent(vmId: string, agent: GuestChannel, signal: AbortSignal): Promise<SshPublicKey> {
  let text = '';
  try {
    await runTool(() => Promise.resolve(agent), {
      argv: ['sshkey'],
      signal,
      onOutput: (chunk) => {
        text = (text + chunk.toString('latin1')).slice(0, 8_192);
      },
    });
  } catch (error) {
    if (isSmolVMError(error, 'GUEST_FILE_FAILED')) throw noServer(vmId, error);
    throw error;
  }
  return parseSshPublicKey(text, `the host key that VM '${vmId}' tells`);
}

function noServer(vmId: string, cause: SmolVMError): CommandExecutionUnavailableError {
  const { path } = cause.details;
  const why = typeof path === 'string' ? path : cause.message;
  return new CommandExecutionUnavailableError(`VM '${vmId}' has no SSH server: ${why}`, {
    hint: "Use an image with openssh-server, or leave out channel: 'ssh'.",
    details: { vmId },
    cause,
  });
}

function noTrust(vmId: string): CommandExecutionUnavailableError {
  return new CommandExecutionUnavailableError(
    `the SSH server of VM '${vmId}' cannot be trusted: no agent answers in the guest that could tell its host key`,
    {
      hint: 'Give the public host key of the image when the VM is made: sshHostKey.',
      details: { vmId },
    },
  );
}

function otherKey(vmId: string): SmolVMError {
  return new SmolVMError(
    'HOST_KEY_MISMATCH',
    `the SSH server of VM '${vmId}' has not the host key that was given`,
    {
      hint: 'Leave sshHostKey out: the agent in the guest tells the key.',
      details: { vmId },
    },
  );
}
