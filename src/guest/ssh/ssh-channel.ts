import { randomBytes } from 'node:crypto';
import { ChildStream } from '../../base/child-stream.ts';
import { openChannelOn } from '../agent/agent-channel.ts';
import type { GuestChannel } from '../guest-channel.ts';
import { sshArgv, type SshEndpoint } from './endpoint.ts';
import { launchAgent, launchCommand, type AgentLaunch } from './launch-agent.ts';
import { sshFailure } from './ssh-failure.ts';

/**
 * Opens a session over SSH: one connection, kept, behind which an agent of our own speaks the same frames as on a
 * control port. So all that a channel can do is the same on both (docs/decisions/0015-ssh-channel.md).
 *
 * @throws HOST_KEY_MISMATCH, COMMAND_UNAVAILABLE, HOST_FAILED (no client on this host), PROTOCOL_ERROR
 */
export async function openSshChannel(
  endpoint: SshEndpoint,
  launch: AgentLaunch,
  signal: AbortSignal,
): Promise<GuestChannel> {
  signal.throwIfAborted();
  const nonce = randomBytes(16).toString('hex');
  const line = new ChildStream(sshArgv(endpoint, launchCommand(launch, nonce)), sshFailure);
  try {
    await launchAgent(line, launch, nonce, signal);
    return await openChannelOn(line, signal);
  } catch (error) {
    line.destroy();
    throw error;
  }
}
