import { describe, expect, it } from 'vitest';
import { kernelCommandLine } from './kernel-args.ts';

describe('kernelCommandLine', () => {
  it('puts the machine first, then what is common, the name, the root disk, the words for the helper and what the user adds', () => {
    expect(
      kernelCommandLine({
        rootDevice: '/dev/vda',
        hostname: 'box',
        machine: ['console=ttyS0', 'reboot=t'],
        added: ['loglevel=7', 'foo'],
      }),
    ).toBe(
      'console=ttyS0 reboot=t quiet panic=-1 random.trust_cpu=on smolvm.hostname=box ' +
        'root=/dev/vda rootfstype=ext4 rw /dev/vda ext4 /bin/sh -c : loglevel=7 foo',
    );
  });

  it('names no root disk where there is none', () => {
    expect(kernelCommandLine({ rootDevice: undefined, hostname: 'box', machine: [], added: [] })).toBe(
      'quiet panic=-1 random.trust_cpu=on smolvm.hostname=box',
    );
  });
});
