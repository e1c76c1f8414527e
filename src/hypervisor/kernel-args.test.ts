import { describe, expect, it } from 'vitest';
import { kernelCommandLine } from './kernel-args.ts';

describe('kernelCommandLine', () => {
  it('puts the machine first, then what is common, the name, what the user adds, the root disk and the words for the helper', () => {
    expect(
      kernelCommandLine({
        rootDevice: '/dev/vda',
        hostname: 'box',
        machine: ['console=ttyS0', 'reboot=t'],
        added: ['loglevel=7', 'foo'],
      }),
    ).toBe(
      'console=ttyS0 reboot=t quiet panic=-1 random.trust_cpu=on smolvm.hostname=box loglevel=7 foo ' +
        'root=/dev/vda rootfstype=ext4 rw /dev/vda ext4 /bin/sh -c :',
    );
  });

  it('names no root disk where there is none', () => {
    expect(kernelCommandLine({ rootDevice: undefined, hostname: 'box', machine: [], added: [] })).toBe(
      'quiet panic=-1 random.trust_cpu=on smolvm.hostname=box',
    );
  });
});
