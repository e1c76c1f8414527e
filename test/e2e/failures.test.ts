import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { doctor, SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

describe('a start that fails', () => {
  test('because the image is no file system says so, leaves no VMM, and the VM is failed with the reason', async () => {
    const rootfsPath = join(host.scratch, 'zeros.ext4');
    writeFileSync(rootfsPath, '');
    truncateSync(rootfsPath, 16 * 1024 * 1024);
    await using vm = await SmolVM.create({ rootfsPath, vcpuCount: 1 });
    const error = await vm.start().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'LAUNCH_FAILED', hint: expect.stringContaining('ext4') as string });
    expect((error as Error).message).toContain('/dev/vda');
    expect(vm.info).toMatchObject({ state: 'failed', pid: null });
    expect(vm.info.reason).toContain('/dev/vda');
  });

  test('because the kernel is no kernel tells what the VMM said', async () => {
    const kernelPath = join(host.scratch, 'kernel');
    writeFileSync(kernelPath, 'this is no kernel\n'.repeat(1000));
    const launching = SmolVM.launch({ kernelPath, bootTimeoutMs: 20_000 });
    await expect(launching).rejects.toMatchObject({ code: 'LAUNCH_FAILED' });
  });

  test('because of its deadline is a timeout, and ended at once', async () => {
    await expect(SmolVM.launch({ bootTimeoutMs: 60 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('because it was aborted is no timeout', async () => {
    const controller = new AbortController();
    const launching = SmolVM.launch({ signal: controller.signal });
    controller.abort();
    await expect(launching).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('this host', () => {
  test('is looked at by using it: every check has a result, and KVM counts only if it boots a guest', async () => {
    const checks = await doctor();
    expect(checks.map(({ name }) => name)).toEqual([
      'state',
      'disk space',
      'assets',
      'hypervisor',
      'acceleration',
      'owner death',
    ]);
    for (const check of checks) {
      expect(check.result, `${check.name}: ${check.found}`).not.toBe('failed');
      if (check.result === 'warning') expect(check.fix).toEqual(expect.any(String));
    }
  });
});
