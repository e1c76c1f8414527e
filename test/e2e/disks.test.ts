import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SmolVM, VMConfig } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

/** Bytes of the guest's root disk, and the note that an earlier VM left. */
async function look(vm: SmolVM): Promise<readonly string[]> {
  const { stdout } = await vm.run('cat /sys/block/vda/size; cat /root/note 2>/dev/null || echo none');
  const [sectors, note = ''] = stdout.trim().split('\n');
  return [String(Number(sectors) / 2048), note];
}

describe('disks', () => {
  test('a retained disk has its data in the next VM of its id, is grown there, and starts over once it is removed', async () => {
    const options = { vmId: 'keeper', vcpuCount: 1, retainDiskOnDelete: true };
    const imageMib = await SmolVM.with(options, async (vm) => {
      await vm.run('echo survived > /root/note');
      return vm.info.diskSizeMib;
    });
    expect(await SmolVM.listRetained()).toMatchObject([{ vmId: 'keeper', diskSizeMib: imageMib }]);
    await SmolVM.with({ ...options, diskSizeMib: imageMib + 512 }, async (vm) => {
      expect(await look(vm)).toEqual([String(imageMib + 512), 'survived']);
      const { stdout } = await vm.run("df -m / | awk 'NR == 2 { print $2 }'");
      expect(Number(stdout)).toBeGreaterThan(imageMib + 400);
    });
    await SmolVM.deleteById('keeper');
    await SmolVM.with({ vmId: 'keeper', vcpuCount: 1 }, async (vm) => {
      expect(await look(vm)).toEqual([String(imageMib), 'none']);
    });
  });

  test('a shared disk is written itself, by one VM at a time, and boot arguments reach the kernel', async () => {
    await using plain = await SmolVM.create({ vcpuCount: 1 });
    const rootfsPath = join(host.scratch, 'shared.ext4');
    copyFileSync(plain.info.rootfsPath, rootfsPath);
    const config = new VMConfig({
      vcpuCount: 1,
      kernelPath: plain.info.kernelPath,
      rootfsPath,
      diskMode: 'shared',
      bootArgs: 'console=ttyAMA0 reboot=k panic=1 init=/init loglevel=3 a-word-of-mine',
    });
    await using one = await SmolVM.create(config);
    await using other = await SmolVM.create(config.with({ vmId: null }));
    await one.start();
    await one.run('echo shared > /root/note');
    expect((await one.run(['cat', '/proc/cmdline'])).stdout).toMatch(
      / root=\/dev\/vda .* console=ttyAMA0 loglevel=3 a-word-of-mine /,
    );
    await expect(other.start()).rejects.toMatchObject({ code: 'BUSY', details: { usedBy: one.vmId } });
    await one.stop();
    await other.start();
    expect((await look(other))[1]).toBe('shared');
  });
});

describe('variables of a config', () => {
  test('are there for login shells at each start, and no process of the host has them on its command line', async () => {
    const value = `it's "secret" $HOME`;
    await using vm = await SmolVM.create({ vmId: 'vars', vcpuCount: 1, envVars: { API_KEY: value } });
    await vm.start();
    expect((await vm.run('printf %s "$API_KEY"')).stdout).toBe(value);
    await vm.unsetEnvVars(['API_KEY']);
    await vm.stop();
    await vm.start();
    expect((await vm.run('printf %s "$API_KEY"')).stdout).toBe(value);
    const args = readFileSync(`/proc/${String(vm.info.pid)}/cmdline`, 'utf8');
    expect(args).not.toContain('secret');
    expect((await vm.run(['cat', '/proc/cmdline'])).stdout).not.toContain('secret');
  });
});
