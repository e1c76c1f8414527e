import { describe, it } from 'vitest';
import { openSshChannel } from '../../../src/guest/ssh/ssh-channel.ts';
import { shippedAgent, sshdProblem, startSshd } from '../../support/sshd.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';
import { guestChannelContract } from './guest-channel.contract.ts';

const folder = withTemporaryFolder();
const never = new AbortController().signal;

if (sshdProblem !== undefined) {
  describe.skip(`SSH: ${sshdProblem}`, () => {
    it('is not tested', () => undefined);
  });
} else {
  guestChannelContract('SSH', async () => {
    const [agent, server] = await Promise.all([shippedAgent(folder()), startSshd()]);
    const channel = await openSshChannel(server.endpoint, agent, never);
    return {
      channel,
      ownsMachine: false,
      openAnother: () => openSshChannel(server.endpoint, agent, never),
      [Symbol.asyncDispose]: async () => {
        await channel[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  });

}
