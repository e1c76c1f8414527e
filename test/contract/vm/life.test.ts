import { describe, expect, it } from 'vitest';
import { isSmolVMError, SmolVM } from '../../src/index.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();

describe('a VM', () => {
  it('is made, started, used, stopped, started again and deleted', async () => {
    await using vm = await SmolVM.create({ vmId: 'box', memSizeMib: 256 });
    expect(vm.info).toMatchObject({ vmId: 'box', state: 'created', memSizeMib: 256, vcpuCount: 2, pid: null, ephemeral: false });
    await vm.start();
    expect(vm.status).toBe('running');
    expect(await vm.run(['echo', 'hi'])).toMatchObject({ ok: true, stdout: 'hi\n', stderr: '' });
    expect(await vm.stop()).toBe('graceful');
    expect(vm.status).toBe('stopped');
    await vm.start();
    expect(await vm.run('exit 7')).toMatchObject({ ok: false, exitCode: 7 });
    await vm.delete();
    expect(await SmolVM.list()).toEqual([]);
    expect(world().qemu.calls().filter((call) => call === 'launch')).toHaveLength(2);
    await expect(vm.start()).rejects.toSatisfy((error) => isSmolVMError(error, 'VM_NOT_FOUND'));
  });
});
