import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpioArchive } from '../../../../scripts/assets/cpio.ts';
import { ImageBuilder, ImageError, SSH_BOOT_ARGS, type KeyImageOptions } from '../../../../src/index.ts';
import { makeFakeAssets } from '../../../support/fake-assets.ts';
import { useImageWorld } from '../../../support/image-world.ts';

const initrdWith = (agent: string): Buffer =>
  cpioArchive([{ name: 'init', mode: 0o100755, contents: Buffer.from(agent) }]);
const world = useImageWorld(initrdWith('the agent'));

const SHADOW = 'root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n';
const KEY = 'ssh-ed25519 AAAAC3Nz me@host';
const SMALL = { rootfsSizeMib: 32 };

function key(options: Partial<KeyImageOptions> = {}) {
  return new ImageBuilder().buildAlpineSshKey({ sshPublicKey: KEY, ...SMALL, ...options });
}

function inImage(rootfsPath: string, command: string): string {
  return execFileSync('/sbin/debugfs', ['-R', command, rootfsPath], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

describe('ImageBuilder', () => {
  it('makes kernel and root file system, with the agent as /init, once', async () => {
    const made = await key();
    const folder = join(world.folder(), 'home/images/alpine-ssh-key');
    expect(made.kernelPath).toBe(join(folder, 'vmlinux.bin'));
    expect(made.rootfsPath).toBe(join(folder, 'rootfs.ext4'));
    const word = `smolvm.authorized_key_b64=${Buffer.from(KEY).toString('base64')}`;
    expect(made.bootArgs).toBe(`${SSH_BOOT_ARGS} smolvm.sshd=1 ${word}`);
    expect(readFileSync(made.kernelPath, 'utf8')).toMatch(/^a kernel/);
    expect(readFileSync(join(folder, '.fingerprint'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(inImage(made.rootfsPath, 'cat /init')).toBe('the agent');
    expect(inImage(made.rootfsPath, 'stat /init')).toMatch(/Mode: +0755.*User: +0 +Group: +0/s);
    expect(world.engine.left()).toEqual([]);
    expect(world.engine.calls('build')[0]?.dockerfile).toMatch(/^FROM alpine:3\.19\n/);

    rmSync(world.engine.bin, { recursive: true });
    expect(await key()).toEqual(made);
    expect(world.engine.calls('build')).toHaveLength(1);
  });

  it('serves all keys with one image', async () => {
    const one = await key();
    const other = await key({ sshPublicKey: 'ssh-rsa BBBB you@host' });
    expect(other.rootfsPath).toBe(one.rootfsPath);
    expect(other.bootArgs).not.toBe(one.bootArgs);
    expect(world.engine.calls('build')).toHaveLength(1);
    expect(JSON.stringify(world.engine.calls())).not.toContain('AAAAC3Nz');
    expect(readFileSync(one.rootfsPath).includes('AAAAC3Nz')).toBe(false);
  });

  it('refuses a key that is none before it calls an engine', async () => {
    const error: unknown = await key({ sshPublicKey: 'AAAA' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ImageError);
    await expect(key({ name: 'custom' })).rejects.toThrow(/name/);
    await expect(key({ rootfsSizeMib: 0 })).rejects.toThrow(/rootfsSizeMib/);
    await expect(key({ baseImage: 'a b' })).rejects.toThrow(/baseImage/);
    expect(world.engine.calls()).toEqual([]);
  });

  it('keeps a password out of the build, and its hash in the image alone', async () => {
    world.engine.image({
      'etc/passwd': ['root', 0o644],
      'etc/shadow': [SHADOW, 0o640],
      'usr/x': ['x', 0o644],
    });
    const build = (sshPassword: string) => new ImageBuilder().buildAlpineSsh({ sshPassword, ...SMALL });
    const { rootfsPath, bootArgs } = await build('tr0ub4dor&3');
    const [root, daemon] = inImage(rootfsPath, 'cat /etc/shadow').split('\n');
    const [, salt, hash] = /^root:(\$6\$[^$]+)\$([^:]+):19000:0:99999:7:::$/.exec(root ?? '') ?? [];
    expect(daemon).toBe('daemon:*:19000:0:99999:7:::');
    expect(hash).toHaveLength(86);
    expect(salt).toHaveLength(19);
    expect(inImage(rootfsPath, 'stat /etc/shadow')).toMatch(/Mode: +0640/);
    expect(bootArgs).toBe(`${SSH_BOOT_ARGS} smolvm.sshd=1`);
    expect(JSON.stringify(world.engine.calls())).not.toMatch(/tr0ub4dor|\$6\$/);

    await build('tr0ub4dor&3');
    expect(world.engine.calls('build')).toHaveLength(1);
    await build('another');
    expect(world.engine.calls('build')).toHaveLength(2);
    expect(inImage(rootfsPath, 'cat /etc/shadow')).not.toContain(hash);
    await expect(build('')).rejects.toThrow(/password/);
    await expect(build('secret\nroot::')).rejects.toThrow(/^(?!.*secret).*password/s);
  });

  it('tells that a base image without /etc/shadow can have no password', async () => {
    await expect(new ImageBuilder().buildAlpineSsh(SMALL)).rejects.toThrow(/\/etc\/shadow/);
    expect(existsSync(join(world.folder(), 'home/images/alpine-ssh/rootfs.ext4'))).toBe(false);
    expect(world.engine.left()).toEqual([]);
  });

  it('builds again for another recipe or agent; a failure leaves what is there', async () => {
    const made = await key();
    const inode = statSync(made.rootfsPath).ino;
    world.engine.behave({ build: { exitCode: 1, stderr: 'broken\n' } });
    await expect(key({ rootfsSizeMib: 33 })).rejects.toThrow(/Docker build failed with exit code 1: broken/);
    world.engine.behave({ info: { exitCode: 1, stderr: 'Cannot connect to the Docker daemon' } });
    await expect(key({ baseImage: 'alpine:3.20' })).rejects.toMatchObject({
      details: { problem: 'daemon-not-running' },
    });
    expect(await key()).toEqual(made);
    expect(statSync(made.rootfsPath).ino).toBe(inode);

    world.engine.behave({});
    makeFakeAssets(join(world.folder(), 'assets'), { initrd: initrdWith('a newer agent') });
    await key();
    expect(inImage(made.rootfsPath, 'cat /init')).toBe('a newer agent');
  });

  it('renews the kernel of an image without building it again', async () => {
    // Of the usual size.
    const { rootfsPath } = await key({ rootfsSizeMib: undefined });
    expect(statSync(rootfsPath).size).toBe(512 * 1024 * 1024);
    makeFakeAssets(join(world.folder(), 'assets'), {
      initrd: initrdWith('the agent'),
      kernel: Buffer.from('a newer kernel'),
    });
    const { kernelPath } = await key({ rootfsSizeMib: undefined });
    expect(readFileSync(kernelPath, 'utf8')).toBe('a newer kernel');
    expect(world.engine.calls('build')).toHaveLength(1);
  });

  it('keeps images where it is told to, under the name that it is told', async () => {
    const cacheDir = join(world.folder(), 'mine');
    const { rootfsPath } = await new ImageBuilder({ cacheDir }).buildDebianSshKey({
      sshPublicKey: KEY,
      name: 'own',
    });
    expect(rootfsPath).toBe(join(cacheDir, 'own/rootfs.ext4'));
    expect(statSync(rootfsPath).size).toBe(2_048 * 1024 * 1024);
    expect(world.engine.calls('build')[0]?.dockerfile).toMatch(/^FROM debian:bookworm-slim\n/);
    expect(() => new ImageBuilder({ cachedir: 'x' } as object)).toThrow(/is not an option/);
  });
});
