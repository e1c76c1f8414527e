import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BootRequest } from '../hypervisor.ts';
import { machineArgs, qemuArgv } from './qemu-args.ts';

const boot: BootRequest = {
  vm: {
    vmId: 'box',
    vcpuCount: 2,
    memSizeMib: 512,
    backend: 'qemu',
    kernelPath: '/images/kernel',
    initrdPath: '/images/initrd',
    rootfsPath: '/images/root',
    bootArgs: '',
    boot: { kind: 'agent' },
    defaults: null,
    channel: 'agent',
    sshCapable: false,
    sshHostKey: null,
    diskMode: 'isolated',
    retainDiskOnDelete: false,
    diskSizeBytes: 1_048_576,
    imageIdentity: null,
    owner: null,
  },
  support: { ok: true, binary: '/usr/bin/qemu', version: '9.0.0', acceleration: { kind: 'hardware' } },
  disk: { kind: 'overlay', path: '/vms/box/disk.qcow2', imagePath: '/images/root', mayBeLost: false },
  controlSocket: '/run/box/control',
  agentSockets: ['/run/box/agent-0', '/run/box/agent-1'],
  transferArea: '/run/box/transfer',
  marker: 'smolvm:0123456789:box',
  ssh: null,
};

/** The values of an option that may come several times. */
function valuesOf(argv: readonly string[], option: string): string[] {
  return argv.flatMap((word, index) => (argv[index - 1] === option ? [word] : []));
}

/** Splits an option list as QEMU does: at commas, a doubled comma being one comma (util/keyval.c, qemu-option.c). */
function parseOptions(text: string): Record<string, string> {
  const parts = text.replaceAll(',,', '\0').split(',');
  return Object.fromEntries(
    parts.map((part) => {
      const [key = '', ...value] = part.split('=');
      return [key, value.join('=').replaceAll('\0', ',')];
    }),
  );
}

describe('qemuArgv', () => {
  it('is this command', () => {
    const disk = {
      driver: 'qcow2',
      'node-name': 'root',
      discard: 'unmap',
      cache: { 'no-flush': false },
      file: {
        driver: 'file',
        filename: '/vms/box/disk.qcow2',
        discard: 'unmap',
        cache: { 'no-flush': false },
      },
      backing: {
        driver: 'raw',
        'read-only': true,
        file: { driver: 'file', filename: '/images/root', 'read-only': true },
      },
    };
    const cache = { 'no-flush': true };
    const area = {
      driver: 'raw',
      'node-name': 'transfer',
      cache,
      file: { driver: 'file', filename: '/run/box/transfer', aio: 'threads', cache },
    };
    const blockdevs = valuesOf(qemuArgv(boot), '-blockdev');
    expect(blockdevs.map((text) => JSON.parse(text) as unknown)).toEqual([disk, area]);
    expect(qemuArgv(boot).filter((word) => !blockdevs.includes(word))).toEqual(
      [
        '/usr/bin/qemu -name smolvm:0123456789:box -nodefaults -no-user-config -display none',
        '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
        '-machine microvm,acpi=off,rtc=on,pit=on,pic=on,isa-serial=on,x-option-roms=off,auto-kernel-cmdline=on',
        '-accel kvm -cpu host -smp 2 -m 512M -action reboot=shutdown,shutdown=pause',
        '-kernel /images/kernel -initrd /images/initrd -append',
        '<cmdline>',
        '-chardev ringbuf,id=console,size=262144 -serial chardev:console',
        '-chardev socket,id=control,path=/run/box/control,server=on,wait=off -mon chardev=control,mode=control',
        '-device virtio-serial-device,max_ports=3',
        '-chardev socket,id=agent0,path=/run/box/agent-0,server=on,wait=off',
        '-device virtserialport,chardev=agent0,name=smolvm.agent.0',
        '-chardev socket,id=agent1,path=/run/box/agent-1,server=on,wait=off',
        '-device virtserialport,chardev=agent1,name=smolvm.agent.1',
        '-blockdev -device virtio-blk-device,drive=root -device virtio-rng-device',
        '-blockdev -device virtio-blk-device,drive=transfer,serial=smolvm-transfer,num-queues=1',
      ]
        .flatMap((line) => line.split(' '))
        .map((word) => (word === '<cmdline>' ? (valuesOf(qemuArgv(boot), '-append')[0] ?? '') : word)),
    );
  });

  it('gives the kernel its root disk and name', () => {
    expect(valuesOf(qemuArgv(boot), '-append')).toEqual([
      'console=ttyS0 reboot=t noreplace-smp quiet panic=-1 random.trust_cpu=on smolvm.hostname=box ' +
        'root=/dev/vda rootfstype=ext4 rw /dev/vda ext4 /bin/sh -c :',
    ]);
  });

  it('adds the boot arguments of the user that are not for the machine, and never pci=off', () => {
    const bootArgs = 'console=ttyS0 reboot=k panic=1 pci=off init=/init loglevel=7 foo="a b"';
    const [cmdline = ''] = valuesOf(qemuArgv({ ...boot, vm: { ...boot.vm, bootArgs } }), '-append');
    expect(cmdline).toMatch(/ root=\/dev\/vda .* -c : loglevel=7 foo="a b"$/);
    expect(cmdline).not.toMatch(/pci=off|reboot=k|panic=1|init=/);
  });

  it('boots an image as described, without an initrd unless it has one', () => {
    const commandLine = 'console=ttyS0 root=/dev/vda rw init=/init';
    const vm = { ...boot.vm, boot: { kind: 'direct', commandLine }, initrdPath: null } as const;
    const argv = qemuArgv({ ...boot, vm });
    expect(argv).not.toContain('-initrd');
    expect(valuesOf(argv, '-append')).toEqual([
      `noreplace-smp random.trust_cpu=on ${commandLine} smolvm.hostname=box reboot=t panic=-1`,
    ]);
    expect(valuesOf(qemuArgv({ ...boot, vm: { ...vm, initrdPath: '/i' } }), '-initrd')).toEqual(['/i']);
  });

  it('emulates where there is no hardware virtualization, without mitigations for CPU flaws that are not emulated', () => {
    const emulated = qemuArgv({
      ...boot,
      support: { ...boot.support, acceleration: { kind: 'emulated', reason: 'r', hint: 'h' } },
    });
    expect(valuesOf(emulated, '-accel')).toEqual(['tcg']);
    expect(valuesOf(emulated, '-cpu')).toEqual(['max,-erms,-fsrm']);
    expect(machineArgs('hardware')).toContain('kvm');
    const cmdline = valuesOf(emulated, '-append')[0] ?? '';
    expect(cmdline.split(' ')).toContain('mitigations=off');
    expect(emulated.filter((word) => !qemuArgv(boot).includes(word))).toEqual([
      'tcg',
      'max,-erms,-fsrm',
      cmdline,
    ]);
  });

  it('skips flushes only for a disk that may be lost', () => {
    const owned: BootRequest = {
      ...boot,
      disk: { kind: 'overlay', path: '/d', imagePath: '/i', mayBeLost: true },
    };
    expect(valuesOf(qemuArgv(owned), '-blockdev')[0]).toContain('"no-flush":true');
    expect(valuesOf(qemuArgv(boot), '-blockdev')[0]).not.toContain('"no-flush":true');
  });

  it('writes a shared image itself, as raw', () => {
    const [blockdev = ''] = valuesOf(
      qemuArgv({ ...boot, disk: { kind: 'image', path: '/images/a,b' } }),
      '-blockdev',
    );
    expect(JSON.parse(blockdev)).toEqual({
      driver: 'raw',
      'node-name': 'root',
      discard: 'unmap',
      file: { driver: 'file', filename: '/images/a,b', discard: 'unmap' },
    });
  });

  it('opens no network', () => {
    expect(qemuArgv(boot).join(' ')).not.toMatch(/-net|virtio-net|-nic/);
  });

  it('leads from one port of the loopback to the SSH server of the guest, and nowhere else', () => {
    const ssh = { hostPort: 2200, publicKey: 'ssh-ed25519 AAAA' };
    const argv = qemuArgv({ ...boot, ssh });
    expect(valuesOf(argv, '-netdev').map(parseOptions)).toEqual([
      {
        user: '',
        id: 'ssh',
        restrict: 'on',
        ipv6: 'off',
        net: '10.0.2.0/24',
        host: '10.0.2.2',
        hostfwd: 'tcp:127.0.0.1:2200-10.0.2.15:22',
      },
    ]);
    expect(valuesOf(argv, '-device')).toContain('virtio-net-device,netdev=ssh');
    const words = (valuesOf(argv, '-append')[0] ?? '').split(' ');
    expect(words).toContain('ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off');
    expect(words).toContain('smolvm.sshd=1');
    expect(words).toContain(`smolvm.authorized_key_b64=${Buffer.from(ssh.publicKey).toString('base64')}`);
  });

  it.each(['agent', 'direct'] as const)('keeps an ip= and a key that are there already: %s', (kind) => {
    const described = 'root=/dev/vda ip=1.2.3.4 smolvm.authorized_key_b64=YQ== init=/init';
    const vm =
      kind === 'direct'
        ? { ...boot.vm, boot: { kind, commandLine: described } }
        : { ...boot.vm, bootArgs: 'ip=1.2.3.4' };
    const ssh = { hostPort: 2200, publicKey: ' ssh-ed25519 AAAA\n' };
    const words = (valuesOf(qemuArgv({ ...boot, vm, ssh }), '-append')[0] ?? '').split(' ');
    expect(words.filter((word) => word.startsWith('ip='))).toEqual(['ip=1.2.3.4']);
    const keys = words.filter((word) => word.startsWith('smolvm.authorized_key_b64='));
    const ours = `smolvm.authorized_key_b64=${Buffer.from('ssh-ed25519 AAAA').toString('base64')}`;
    expect(keys).toEqual([kind === 'direct' ? 'smolvm.authorized_key_b64=YQ==' : ours]);
  });

  it('has a command line that the kernel takes whole, with the longest of all', () => {
    const vm = { ...boot.vm, vmId: 'x'.repeat(64), bootArgs: `a=${'b'.repeat(1_398)}` };
    const ssh = { hostPort: 65_535, publicKey: `ssh-ed25519 ${'A'.repeat(68)}` };
    const emulated = { kind: 'emulated', reason: 'r', hint: 'h' } as const;
    const argv = qemuArgv({ ...boot, vm, ssh, support: { ...boot.support, acceleration: emulated } });
    // QEMU adds a word for each virtio device (we have four), and the kernel takes 2,047 bytes.
    const deviceBytes = 5 * ' virtio_mmio.device=512@0xfeb02e00:12'.length;
    expect((valuesOf(argv, '-append')[0] ?? '').length + deviceBytes).toBeLessThanOrEqual(2_047);
  });

  it('has the marker as one whole argument', () => {
    expect(qemuArgv(boot)).toContain(boot.marker);
  });

  it('passes any path of a socket exactly as it is', () => {
    const path = fc
      .string({
        unit: fc.constantFrom(',', '=', ' ', "'", '"', '\\', '/', 'a', 'ä', '%', ',,'),
        maxLength: 30,
      })
      .map((text) => `/${text}`);
    fc.assert(
      fc.property(path, path, (control, agent) => {
        const argv = qemuArgv({ ...boot, controlSocket: control, agentSockets: [agent] });
        const sockets = valuesOf(argv, '-chardev')
          .map(parseOptions)
          .filter(({ id }) => id !== 'console');
        expect(sockets).toEqual([
          { socket: '', id: 'control', path: control, server: 'on', wait: 'off' },
          { socket: '', id: 'agent0', path: agent, server: 'on', wait: 'off' },
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it('passes any path of a disk, image or area exactly as it is', () => {
    const path = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(path, path, path, (disk, image, transferArea) => {
        const argv = qemuArgv({
          ...boot,
          disk: { kind: 'overlay', path: disk, imagePath: image, mayBeLost: false },
          transferArea,
        });
        const [root, area] = valuesOf(argv, '-blockdev').map(
          (text) => JSON.parse(text) as Record<string, { filename: string; file: { filename: string } }>,
        );
        expect(root?.['file']?.filename).toBe(disk);
        expect(root?.['backing']?.file.filename).toBe(image);
        expect(area?.['file']?.filename).toBe(transferArea);
      }),
    );
  });
});
