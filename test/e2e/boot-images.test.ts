import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BootImage, DirectKernelBoot, SmolVM } from 'smolvm';
import { readAgent } from '../support/agent-binary.ts';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

/** An ext4 image with a static busybox and, if given, this `/init`; how the kernel boots it. */
function makeImage(name: string, init?: string | Buffer): BootImage {
  const tree = join(host.scratch, name);
  mkdirSync(join(tree, 'bin'), { recursive: true });
  for (const folder of ['dev', 'proc', 'etc']) mkdirSync(join(tree, folder));
  copyFileSync('/bin/busybox', join(tree, 'bin/busybox'));
  for (const applet of ['sh', 'cat', 'sleep', 'df', 'hostname', 'env', 'stat', 'touch', 'chmod', 'mv'])
    symlinkSync('busybox', join(tree, 'bin', applet));
  if (init !== undefined) {
    writeFileSync(join(tree, 'init'), init);
    chmodSync(join(tree, 'init'), 0o755);
  }
  const rootfsPath = `${tree}.ext4`;
  writeFileSync(rootfsPath, '');
  truncateSync(rootfsPath, 32 * 1024 * 1024);
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-F', '-d', tree, rootfsPath], { env });
  return new BootImage({ name, rootfsPath, boot: new DirectKernelBoot() });
}

const OWN_INIT = `#!/bin/sh
/bin/busybox mount -t proc proc /proc
echo "own init is process $$ of $(cat /proc/sys/kernel/hostname) with $(cat /proc/cmdline)"
while :; do sleep 3600; done
`;

describe('an image', () => {
  test('with an init of its own runs it as process 1, refuses commands at once, and is ended by force', async () => {
    await using vm = await SmolVM.fromImage(makeImage('own', OWN_INIT));
    await vm.start();
    expect(vm.status).toBe('running');
    const console = async (): Promise<string> => Buffer.from(await vm.readConsole()).toString();
    await expect.poll(console, { timeout: 30_000 }).toContain('own init is process 1 of');
    expect(await console()).toContain('console=ttyS0 reboot=k panic=1 root=/dev/vda rw init=/init');
    expect(vm.canRunCommands()).toBe(false);
    await expect(vm.run('true')).rejects.toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
    expect(await vm.stop()).toBe('forced');
    expect(await console()).toContain('own init is process 1 of');
  });

  test('whose init is the agent takes commands, grows with its disk, gets its variables and powers off', async () => {
    const agent = readAgent(join(host.repo, 'assets/x86_64/initrd.cpio.zst'));
    const options = { vmId: 'direct', diskSizeMib: 256, envVars: { TOKEN: 'a b' } };
    await using vm = await SmolVM.fromImage(makeImage('agent', agent), options);
    await vm.start();
    expect(vm.canRunCommands()).toBe(true);
    const { stdout } = await vm.run('hostname; cat /proc/1/comm; cat /proc/cmdline');
    expect(stdout).toMatch(/^direct\ninit\n.* root=\/dev\/vda rw init=\/init /);
    const { stdout: size } = await vm.run('df -m / | { read -r _; read -r _ size _; echo $size; }');
    expect(Number(size)).toBeGreaterThan(200);
    expect(await vm.listEnvVars()).toEqual({ TOKEN: 'a b' });
    expect(await vm.stop({ timeoutMs: 30_000 })).toBe('graceful');
  });

  test('without the init that its kernel is to run fails with what the kernel said', async () => {
    await using vm = await SmolVM.fromImage(makeImage('none'));
    await expect(vm.start()).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
      message: expect.stringContaining('Requested init /init failed') as string,
      hint: expect.stringContaining('init=') as string,
    });
    expect(vm.info).toMatchObject({ state: 'failed', pid: null });
  });

  test('that boots with the agent gives its user, folder and variables to commands', async () => {
    await using base = await SmolVM.create();
    const config = {
      env: { GREETING: 'hello' },
      workdir: '/tmp',
      user: 'nobody',
      entrypoint: [],
      cmd: [],
      exposedPorts: [],
    };
    const { rootfsPath } = base.info;
    const image = new BootImage({ name: 'base', rootfsPath, boot: 'agent', config });
    await using vm = await SmolVM.fromImage(image);
    await vm.start();
    const { stdout } = await vm.run(['sh', '-c', 'id -un; pwd; echo $GREETING']);
    expect(stdout).toBe('nobody\n/tmp\nhello\n');
    expect((await vm.run(['id', '-u'], { user: 'root', cwd: '/' })).stdout).toBe('0\n');
  });
});
