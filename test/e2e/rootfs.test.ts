import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SmolVM, VMConfig } from 'smolvm';
import { buildRootfs } from '../../src/image/rootfs/build-rootfs.ts';
import { folderLayer } from '../../src/image/rootfs/folder-layer.ts';
import { bytesLayer, fsckProblems, rawArchive } from '../support/rootfs.ts';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

test('a guest boots from a built image, finds what was packed, and grows, fills and changes it soundly', async () => {
  await using plain = await SmolVM.create({ vcpuCount: 1 });
  const source = join(host.scratch, 'source');
  mkdirSync(source);
  execFileSync('debugfs', ['-R', `rdump / ${source}`, plain.info.rootfsPath], { stdio: 'ignore' });
  const upper = rawArchive(
    { name: 'bin/tool', mode: '0004755', uid: '0001750', contents: '#!/bin/sh\n' },
    { name: 'dev-of-mine', typeflag: '3', device: ['0000001', '0000005'] },
    { name: 'same', typeflag: '1', linkName: 'bin/tool' },
    { name: 'etc/.wh.os-release' },
    ...Array.from({ length: 2000 }, (_, index) => ({
      name: `many/${'n'.repeat(40)}-${index}`,
      contents: `${index}`,
    })),
  );
  const rootfsPath = join(host.scratch, 'built.ext4');
  const layers = [folderLayer(source), bytesLayer('upper', upper)];
  await buildRootfs({ layers, sizeMib: null, path: rootfsPath, signal: new AbortController().signal });
  const { kernelPath } = plain.info;
  // Descriptors of 20 GiB take more blocks than those of the image: there is room for them beside the first.
  const config = new VMConfig({
    vmId: 'built',
    vcpuCount: 1,
    kernelPath,
    rootfsPath,
    diskSizeMib: 20 * 1024,
  });
  await using vm = await SmolVM.create(config);
  await vm.start();
  const { stdout } = await vm.run(
    [
      'stat -c "%f %u %h" /bin/tool /same',
      'head -c 4 /dev-of-mine | od -An -tx1',
      'ls /etc/os-release 2>/dev/null',
      'ls /many | wc -l',
      `cat /many/*-1999`,
      'echo',
      "df -m / | awk 'NR == 2 { print ($2 > 19000) }'",
      'rm /many/*1 && cp -r /bin /new && dd if=/dev/urandom of=/fill bs=1M count=40 2>/dev/null; sync; echo done',
      'dmesg | grep -ci "ext4-fs error"',
    ].join('\n'),
  );
  expect(stdout.split('\n').map((line) => line.trim())).toEqual([
    '89ed 1000 2',
    '89ed 1000 2',
    '00 00 00 00',
    '2000',
    '1999',
    '1',
    'done',
    '0',
    '',
  ]);
  await vm.stop();
  const written = join(host.scratch, 'written.ext4');
  const overlay = join(host.scratch, 'home/vms/built/disk.qcow2');
  execFileSync('qemu-img', ['convert', '-O', 'raw', overlay, written]);
  expect(fsckProblems(written)).toBe('');
});
