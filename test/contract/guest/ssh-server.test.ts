import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../src/base/deadline.ts';
import type { ExecRequest } from '../../../src/guest/guest-channel.ts';
import { openSshChannel } from '../../../src/guest/ssh/ssh-channel.ts';
import { knownHostsLine, parseSshPublicKey } from '../../../src/spec/ssh-public-key.ts';
import { makeKey, shippedAgent, sshdProblem, startSshd } from '../../support/sshd.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const never = new AbortController().signal;

const request = (argv: readonly string[], onOutput: ExecRequest['onOutput'] = () => undefined): ExecRequest => ({
  argv,
  env: {},
  cwd: '',
  user: '',
  stdin: false,
  onOutput,
});

/** SSH clients that are children of this process. */
const clients = (): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      const [, name = '', parent = ''] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return name === 'ssh' && parent === String(process.pid);
    } catch {
      return false;
    }
  });

describe.skipIf(sshdProblem !== undefined)(`an SSH server${sshdProblem === undefined ? '' : `: ${sshdProblem}`}`, () => {
  it('with another host key is refused before it learns anything', async () => {
    const agent = await shippedAgent(folder());
    await using server = await startSshd();
    const other = parseSshPublicKey(makeKey(join(folder(), 'other')), 'key');
    writeFileSync(server.endpoint.knownHostsPath, knownHostsLine('box', other));
    await expect(openSshChannel(server.endpoint, agent, never)).rejects.toMatchObject({ code: 'HOST_KEY_MISMATCH' });
    // Neither a user nor a key was named to it.
    expect(server.log()).not.toMatch(/publickey|Accepted|Failed/);
    expect(clients()).toEqual([]);
  });

  it('is not trusted on first use', async () => {
    const agent = await shippedAgent(folder());
    await using server = await startSshd();
    writeFileSync(server.endpoint.knownHostsPath, '');
    await expect(openSshChannel(server.endpoint, agent, never)).rejects.toMatchObject({ code: 'HOST_KEY_MISMATCH' });
    expect(readFileSync(server.endpoint.knownHostsPath, 'utf8')).toBe('');
  });

  it('that does not know our key is no server for us', async () => {
    const agent = await shippedAgent(folder());
    await using server = await startSshd();
    const keyPath = join(folder(), 'stranger');
    makeKey(keyPath);
    await expect(openSshChannel({ ...server.endpoint, keyPath }, agent, never)).rejects.toMatchObject({
      code: 'COMMAND_UNAVAILABLE',
      message: expect.stringContaining('refuses our key') as string,
    });
  });

  it('that is killed under a command ends the session, and nobody knows what became of the command', async () => {
    const agent = await shippedAgent(folder());
    await using server = await startSshd();
    const channel = await openSshChannel(server.endpoint, agent, never);
    const command = channel.exec(request(['tail', '-f', '/dev/null']));
    const { pid } = await command.started;
    server.killHard();
    await expect(command.exit).rejects.toMatchObject({ code: 'VM_EXITED' });
    expect(await channel.closed).toMatchObject({ code: 'VM_EXITED' });
    // The agent that came with the connection ends with it, and its commands with the agent.
    await expect.poll(() => isThere(pid), { timeout: 15_000 }).toBe(false);
  });

  it('that stalls is given up in time, and leaves no client', async () => {
    const agent = await shippedAgent(folder());
    await using server = await startSshd();
    await using silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    using deadline = new Deadline('connect', 300);
    await expect(openSshChannel({ ...server.endpoint, port }, agent, deadline.signal)).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    await expect.poll(clients).toEqual([]);
  });

  it('runs no detached commands: the agent there lives no longer than the connection', async () => {
    const agent = await shippedAgent(folder());
    await using server = await startSshd();
    const channel = await openSshChannel(server.endpoint, agent, never);
    expect(channel.info.capabilities.has('detach')).toBe(false);
    const command = channel.exec({ ...request(['true']), detachedId: 'job' });
    command.started.catch(() => undefined);
    await expect(command.exit).rejects.toMatchObject({ code: 'COMMAND_NOT_STARTED', details: { reason: 'badRequest' } });
    await channel[Symbol.asyncDispose]();
  });
});

function isThere(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
