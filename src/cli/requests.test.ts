import { expect, test } from 'vitest';
import { guestRequest, machineRequest, startRequest } from './requests.ts';

test('options of a machine', () => {
  const paths = { kernel: '/k', rootfs: '/r', backend: 'qemu', config: '/c.json' };
  const disk = { diskSize: '2048', diskMode: 'isolated', retainDisk: true } as const;
  expect(machineRequest({ vcpus: '4', memory: '1024', bootArgs: 'quiet', ...paths, ...disk }, 'box')).toEqual(
    {
      configFile: '/c.json',
      fields: {
        vmId: 'box',
        vcpuCount: 4,
        memSizeMib: 1024,
        kernelPath: '/k',
        rootfsPath: '/r',
        backend: 'qemu',
        bootArgs: 'quiet',
        diskSizeMib: 2048,
        diskMode: 'isolated',
        retainDiskOnDelete: true,
      },
    },
  );
});

test('what is not given is left to the SDK', () => {
  expect(machineRequest({})).toEqual({ configFile: undefined, fields: {} });
  expect(startRequest({})).toEqual({ options: { bootTimeoutMs: undefined }, timings: false });
});

test('options of a start', () => {
  expect(startRequest({ bootTimeout: '2m', timings: true })).toEqual({
    options: { bootTimeoutMs: 120_000 },
    timings: true,
  });
});

test('a command for a guest', () => {
  const raw = { cwd: '/tmp', user: 'nobody', env: ['A=1', 'B'], timeout: '5', interactive: true } as const;
  expect(guestRequest(['ls', '-l'], raw, { B: '2' })).toEqual({
    command: ['ls', '-l'],
    options: { cwd: '/tmp', user: 'nobody', env: { A: '1', B: '2' }, timeoutMs: 5_000 },
    interactive: true,
  });
});
