import { expect, test } from 'vitest';
import { execMode, guestRequest, machineRequest, onTerminal, startRequest } from './requests.ts';

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

test('how exec is connected with its command', () => {
  expect(execMode({})).toBe('streamed');
  expect(execMode({ interactive: true })).toBe('streamed');
  expect(execMode({ tty: true })).toBe('onTerminal');
  expect(execMode({ tty: true, interactive: true, timeout: '5' })).toBe('onTerminal');
  expect(execMode({ detach: true })).toBe('detached');
});

test.each([
  [{ tty: true }, '-t'],
  [{ interactive: true }, '-i'],
  [{ timeout: '5' }, '--timeout'],
] as const)('-d with %j is refused', (raw, flag) => {
  expect(() => execMode({ detach: true, ...raw })).toThrow(`${flag} makes no sense with -d`);
});

test('a command on our terminal knows which one it is, unless told otherwise', () => {
  expect(onTerminal({ cwd: '/' }, { TERM: 'vt100' })).toEqual({ cwd: '/', env: { TERM: 'vt100' } });
  expect(onTerminal({ env: { TERM: 'dumb', A: '1' } }, { TERM: 'vt100' }).env).toEqual({
    TERM: 'dumb',
    A: '1',
  });
  expect(onTerminal({ env: { A: '1' } }, {}).env).toEqual({ A: '1' });
});
