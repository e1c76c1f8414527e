import { chmodSync, existsSync, readdirSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SmolVM } from '../../../src/index.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { ensureClientKey } from '../../../src/vm/ssh/client-key.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const never = new AbortController().signal;

describe('the key of this user', () => {
  it('is made once, also by many at the same time, and nobody else can read it', async () => {
    const paths = { home: world().home, run: world().run };
    const keys = await Promise.all(Array.from({ length: 6 }, () => ensureClientKey(paths, never)));
    expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1);
    expect(keys[0]?.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68}$/);
    const folder = join(world().home, 'keys');
    expect(readdirSync(folder)).toEqual(['id_ed25519']);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'id_ed25519')).mode & 0o777).toBe(0o600);
    expect(await ensureClientKey(paths, never)).toEqual(keys[0]);
    chmodSync(join(folder, 'id_ed25519'), 0o644);
    await expect(ensureClientKey(paths, never)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    chmodSync(join(folder, 'id_ed25519'), 0o600);
  });
});

describe("a VM with channel 'ssh'", () => {
  it('whose image has no SSH server does not start, says so, and is not reached by the agent instead', async () => {
    {
      await using vm = await SmolVM.create({ vmId: 'box', channel: 'ssh' });
      await expect(vm.start()).rejects.toMatchObject({
        code: 'COMMAND_UNAVAILABLE',
        message: "VM 'box' has no SSH server: the image has no /usr/sbin/sshd",
        hint: expect.stringContaining('openssh-server') as string,
      });
      expect(vm.info).toMatchObject({ state: 'failed', channel: 'ssh', sshCapable: true });
      await expect(vm.run(['true'])).rejects.toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
      expect(existsSync(join(vm.dataDir, 'known_hosts'))).toBe(false);
    }
  });

  it('gets another port where the one that was free is taken when the VMM wants it, but not for ever', async () => {
    const stderr = "qemu: -netdev user: Could not set up host forwarding rule 'tcp:127.0.0.1:2200-:22'\n";
    world().qemu.behave({ exitsAtOnce: { code: 1, stderr } });
    {
      await using vm = await SmolVM.create({ vmId: 'box', channel: 'ssh' });
      await expect(vm.start()).rejects.toMatchObject({ code: 'LAUNCH_FAILED' });
      expect(
        world()
          .qemu.calls()
          .filter((call) => call === 'launch'),
      ).toHaveLength(9);
      using store = await openSqliteStore(join(world().home, 'smolvm.db'));
      expect(store.sshPort('box')).toBeGreaterThanOrEqual(2_208);
    }
  });

  it('does not take a port on which somebody listens, even if it was its own', async () => {
    await using vm = await SmolVM.create({ vmId: 'box', sshCapable: true });
    using store = await openSqliteStore(join(world().home, 'smolvm.db'));
    await vm.start();
    const first = store.sshPort('box') ?? 0;
    await vm.stop();
    await using taken = await listenOn(first);
    await vm.start();
    expect(taken.listening).toBe(true);
    expect(store.sshPort('box')).not.toBe(first);
  });
});

/** Somebody else may be looking whether the port is free: then again. */
async function listenOn(port: number): Promise<Server> {
  for (;;) {
    const server = createServer();
    const outcome = new Promise((resolve) => server.once('listening', resolve).once('error', resolve));
    server.listen({ port, host: '127.0.0.1' });
    await outcome;
    if (server.listening) return server;
  }
}

describe('the commands for an SSH client', () => {
  it('are refused for a VM without SSH, and for one that does not run', async () => {
    await using vm = await SmolVM.create({ vmId: 'box' });
    await expect(vm.sshCommands()).rejects.toMatchObject({
      code: 'COMMAND_UNAVAILABLE',
      details: { state: 'created' },
    });
    await vm.start();
    await expect(vm.sshCommands()).rejects.toMatchObject({
      code: 'COMMAND_UNAVAILABLE',
      hint: expect.stringContaining('--ssh') as string,
    });
  });
});
