import { describe, expect, test } from 'vitest';
import { SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();

describe('a launched VM', () => {
  test('runs commands with its own kernel, separate outputs and the exit code, and is gone afterwards', async () => {
    const vm = await SmolVM.launch();
    expect(vm.status).toBe('running');
    const result = await vm.run('uname -sr; echo problem >&2; exit 7');
    expect(result.stdout).toMatch(/^Linux 6\.12\.\d+/);
    expect(result.stderr).toBe('problem\n');
    expect(result).toMatchObject({ exitCode: 7, ok: false, signal: null, truncated: false });
    await vm[Symbol.asyncDispose]();
    expect((await SmolVM.list()).map(({ vmId }) => vmId)).not.toContain(vm.vmId);
  });

  test('tells where each millisecond of its start went', async () => {
    await using vm = await SmolVM.launch();
    const { timings } = vm;
    expect(timings?.path).toBe('cold');
    const sum = timings?.steps.reduce((total, { durationMs }) => total + durationMs, 0) ?? 0;
    expect(sum).toBeCloseTo(timings?.totalMs ?? -1, 3);
    expect(timings?.steps.map(({ name }) => name)).toEqual(['probe', 'spawn', 'vmm', 'guest', 'ready']);
  });

  test('has the CPUs and the memory that were asked for, a writable root disk and its id as hostname', async () => {
    await using vm = await SmolVM.launch({ vcpuCount: 3, memSizeMib: 256 });
    const { stdout } = await vm.run(
      'nproc; hostname; echo kept > /etc/x && cat /etc/x; awk "/MemTotal/ { print \\$2 }" /proc/meminfo',
    );
    const [cpus, hostname, kept, memoryKib] = stdout.trim().split('\n');
    expect([cpus, hostname, kept]).toEqual(['3', vm.vmId, 'kept']);
    expect(Number(memoryKib) / 1024).toBeGreaterThan(200);
    expect(Number(memoryKib) / 1024).toBeLessThanOrEqual(256);
  });

  test('has each file system once, although the helper of the agent mounts some before it', async () => {
    await using vm = await SmolVM.launch();
    const { stdout } = await vm.run("cut -d' ' -f2 /proc/mounts; tr '\\0' ' ' < /proc/1/cmdline");
    const lines = stdout.trim().split('\n');
    expect(lines.pop()?.trim()).toBe('/init /dev/vda ext4 /bin/sh -c :');
    expect(lines.toSorted()).toEqual([
      '/',
      '/dev',
      '/dev/pts',
      '/dev/shm',
      '/proc',
      '/run',
      '/sys',
      '/sys/fs/cgroup',
    ]);
  });

  test('has the time of the host and fresh randomness', async () => {
    await using vm = await SmolVM.launch({ vcpuCount: 1 });
    const before = Date.now() / 1000;
    const { stdout } = await vm.run('date +%s; head -c 16 /dev/urandom | md5sum');
    const [seconds, random] = stdout.trim().split('\n');
    expect(Number(seconds)).toBeGreaterThanOrEqual(Math.floor(before));
    expect(Number(seconds)).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
    const again = await vm.run('head -c 16 /dev/urandom | md5sum');
    expect(again.stdout.trim()).not.toBe(random);
  });
});

describe('a created VM', () => {
  test('goes on without its handle, keeps its disk over a restart, and is gone when deleted', async () => {
    const vm = await SmolVM.create({ vmId: 'keeper', vcpuCount: 1 });
    expect(vm.status).toBe('created');
    expect(await vm.start()).toBe(vm);
    await vm.run('echo survived > /root/note; sync');
    await vm.close();

    const again = await SmolVM.fromId('keeper');
    expect(again.status).toBe('running');
    expect(await again.stop()).toBe('graceful');
    expect(again.status).toBe('stopped');
    await again.start();
    expect((await again.run('cat /root/note')).stdout).toBe('survived\n');
    await again.delete();
    await again.close();
    await expect(SmolVM.fromId('keeper')).rejects.toMatchObject({ code: 'VM_NOT_FOUND' });
  });

  test('is left as it is by a second start, and its image is never written', async () => {
    const image = host.imageDigest();
    await using vm = await SmolVM.create({ vcpuCount: 1 });
    await vm.start();
    const { pid } = vm.info;
    await vm.start();
    expect(vm.info.pid).toBe(pid);
    await vm.run('echo changed > /etc/hostname; sync');
    await vm.stop();
    expect(host.imageDigest()).toBe(image);
  });

  test('whose guest powers off by itself is stopped, and the session says so', async () => {
    await using vm = await SmolVM.create({ vcpuCount: 1 });
    await vm.start();
    await expect(vm.run('reboot -f; sleep 60')).rejects.toMatchObject({ code: 'VM_EXITED' });
    await host.untilGone(vm.vmId);
    expect((await vm.refresh()).state).toBe('stopped');
  });
});
