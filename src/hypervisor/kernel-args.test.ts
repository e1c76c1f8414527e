import { describe, expect, it } from 'vitest';
import { directCommandLine, kernelCommandLine } from './kernel-args.ts';

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

describe('directCommandLine', () => {
  const machine = { hostname: 'box', tuning: ['tuned=1'], reboot: 'reboot=t' };

  it('lets a description overrule the tuning, and the machine say how it ends', () => {
    expect(directCommandLine({ ...machine, described: 'tuned=0 reboot=k panic=1 root=/dev/vda rw' })).toBe(
      'tuned=1 random.trust_cpu=on tuned=0 reboot=k panic=1 root=/dev/vda rw smolvm.hostname=box reboot=t panic=-1',
    );
  });

  it('leaves to the first process what is for it, and a name that is there', () => {
    expect(
      directCommandLine({ ...machine, described: 'smolvm.hostname=mine foo="a -- b" -- single reboot=k' }),
    ).toBe(
      'tuned=1 random.trust_cpu=on smolvm.hostname=mine foo="a -- b" reboot=t panic=-1 -- single reboot=k',
    );
  });
});
