import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  BootImage,
  DirectKernelBoot,
  isSmolVMError,
  SmolVM,
  SSH_BOOT_ARGS,
  VMConfig,
  type BootImageFields,
} from '../../../src/index.ts';
import { Child } from '../../support/child.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
let rootfsPath = '';

beforeEach(() => {
  rootfsPath = join(world().folder, 'root.ext4');
  writeFileSync(rootfsPath, Buffer.alloc(2 * 1024 * 1024));
});

const imageWith = (fields: Partial<BootImageFields>): BootImage =>
  new BootImage({ name: 'img', rootfsPath, ...fields });
const direct = (): BootImage => imageWith({ boot: new DirectKernelBoot() });

/** The words of a VMM's command line. */
const argvOf = (vm: SmolVM): readonly string[] =>
  readFileSync(`/proc/${String(vm.info.pid)}/cmdline`, 'utf8').split('\0');
const valueOf = (argv: readonly string[], option: string): string | undefined =>
  argv.includes(option) ? argv[argv.indexOf(option) + 1] : undefined;

describe('fromImage', () => {
  it('makes a VM of the image, with one CPU unless more are asked for, and owns it', async () => {
    const vm = await SmolVM.fromImage(direct(), { vmId: 'box' });
    expect(vm.info).toMatchObject({
      state: 'created',
      vcpuCount: 1,
      memSizeMib: 512,
      rootfsPath,
      bootMode: 'direct-kernel',
    });
    expect(vm.info.bootArgs).toBe(new DirectKernelBoot().render({ backend: 'qemu', arch: 'amd64' }));
    await vm[Symbol.asyncDispose]();
    expect(await SmolVM.list()).toEqual([]);
    await using larger = await SmolVM.fromImage(direct(), { vcpuCount: 3, memSizeMib: 1024, diskSizeMib: 4 });
    expect(larger.info).toMatchObject({ vcpuCount: 3, memSizeMib: 1024, diskSizeMib: 4 });
  });

  it('refuses an image for another backend or architecture, a channel that it has not, and unknown options', async () => {
    const image = imageWith({
      boot: 'agent',
      backend: 'firecracker',
      arch: process.arch === 'arm64' ? 'amd64' : 'arm64',
    });
    const options = { backend: 'qemu', channel: 'ssh' } as const;
    await expect(SmolVM.fromImage(image, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      problems: [
        expect.stringMatching(/^backend: the image 'img' is for firecracker/),
        expect.stringMatching(/^image: 'img' is for a/),
        expect.stringMatching(/^channel: /),
      ],
    });
    for (const given of [
      { kernelPath: '/k' },
      { bootArgs: 'a' },
      { diskMode: 'shared', diskSizeMib: 5 },
    ] as const)
      await expect(SmolVM.fromImage(direct(), given)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(SmolVM.fromImage({ ...direct().toJSON() } as BootImage)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(await SmolVM.list()).toEqual([]);
  });

  it('shows kernel messages with SMOLVM_VERBOSE_BOOT=1 (behaviour 11)', async () => {
    process.env['SMOLVM_VERBOSE_BOOT'] = '1';
    try {
      await using vm = await SmolVM.fromImage(direct());
      expect(vm.info.bootArgs).toMatch(/ tsc=reliable no_timer_check$/);
    } finally {
      delete process.env['SMOLVM_VERBOSE_BOOT'];
    }
  });

  it('boots an image with the agent as any other', async () => {
    await using vm = await SmolVM.fromImage(imageWith({ boot: 'agent' }));
    await vm.start();
    expect(valueOf(argvOf(vm), '-initrd')).toBeDefined();
    expect(vm.info.bootMode).toBe('agent');
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
  });

  it('gives commands what the image says, below what their caller says', async () => {
    const config = {
      env: { A: 'image', B: 'image' },
      workdir: '/usr',
      user: '',
      entrypoint: [],
      cmd: [],
      exposedPorts: [],
    };
    await using vm = await SmolVM.fromImage(imageWith({ boot: 'agent', config }));
    await vm.start();
    const argv = ['sh', '-c', 'echo $A $B $(pwd)'];
    expect((await vm.run(argv)).stdout).toBe('image image /usr\n');
    expect((await vm.run(argv, { env: { B: 'mine' }, cwd: '/' })).stdout).toBe('image mine /\n');
  });
});

describe('a VM whose image boots its own init', () => {
  it('is given kernel and words as described, no initrd, and the end of the machine', async () => {
    await using vm = await SmolVM.fromImage(imageWith({ bootArgs: 'root=/dev/vda ro panic=9 -- single' }), {
      vmId: 'box',
    });
    await vm.start();
    const argv = argvOf(vm);
    expect(valueOf(argv, '-initrd')).toBeUndefined();
    expect(valueOf(argv, '-append')).toMatch(
      / root=\/dev\/vda ro panic=9 smolvm\.hostname=box reboot=t panic=-1 -- single$/,
    );
    const initrdPath = join(world().folder, 'initrd');
    writeFileSync(initrdPath, 'x');
    await using other = await SmolVM.fromImage(direct().with({ initrdPath }));
    await other.start();
    expect(valueOf(argvOf(other), '-initrd')).toBe(initrdPath);
  });

  it('takes commands if an agent answers', async () => {
    await using vm = await SmolVM.fromImage(direct());
    await vm.start();
    expect(vm.canRunCommands()).toBe(true);
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
    expect(await vm.stop()).toBe('graceful');
  });

  it('runs without an agent, refuses commands at once in every process, and is ended by force', async () => {
    world().qemu.behave({ onHello: 'mute', console: 'own init\n' });
    await using vm = await SmolVM.fromImage(direct(), { vmId: 'box' });
    await vm.start();
    const refusal = {
      code: 'COMMAND_UNAVAILABLE',
      hint: expect.stringContaining("boot: 'agent'") as unknown,
    };
    const refused = async (): Promise<void> => {
      expect(vm.canRunCommands()).toBe(false);
      await expect(vm.run(['true'])).rejects.toMatchObject(refusal);
      await expect(vm.files.readText('/etc/hostname')).rejects.toMatchObject(refusal);
      await expect(vm.exposeLocal(80)).rejects.toMatchObject(refusal);
    };
    expect(vm.status).toBe('running');
    await refused();
    await using other = await Child.sdk();
    await other.call({ call: 'fromId', args: ['box'] });
    expect((await other.call({ vmId: 'box', call: 'run', args: [['true']] })).error).toMatchObject({
      code: 'COMMAND_UNAVAILABLE',
    });
    await vm.pause();
    await vm.resume();
    await refused();
    expect(await vm.stop()).toBe('forced');
    expect(vm.status).toBe('stopped');
    expect(Buffer.from(await vm.readConsole()).toString()).toContain('own init');
  });

  it('fails to start with variables that nobody takes', async () => {
    world().qemu.behave({ onHello: 'mute' });
    await using vm = await SmolVM.fromImage(direct(), { envVars: { TOKEN: 'a-secret' } });
    const error: unknown = await vm.start().catch((failure: unknown) => failure);
    expect(isSmolVMError(error, 'COMMAND_UNAVAILABLE')).toBe(true);
    expect(vm.info).toMatchObject({ state: 'failed', pid: null });
    expect(String(error) + String(vm.info.reason)).not.toContain('a-secret');
  });

  it('fails to start when its kernel panics, with what the console said', async () => {
    world().qemu.behave({ onHello: 'mute', endsDuringBoot: true, console: 'Kernel panic: no init\n' });
    await using vm = await SmolVM.fromImage(direct());
    await expect(vm.start()).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
      message: expect.stringContaining('Kernel panic: no init') as unknown,
      hint: expect.stringContaining('init=') as unknown,
    });
    expect(vm.info).toMatchObject({ state: 'failed', pid: null });
  });
});

describe('a VMConfig with the boot arguments of SSH images', () => {
  it('boots with the agent', async () => {
    const kernelPath = join(world().folder, 'vmlinux');
    writeFileSync(kernelPath, 'x');
    await using vm = await SmolVM.launch(new VMConfig({ kernelPath, rootfsPath, bootArgs: SSH_BOOT_ARGS }));
    expect(vm.info).toMatchObject({ bootMode: 'agent', bootArgs: SSH_BOOT_ARGS });
    expect((await vm.run(['echo', 'hi'])).stdout).toBe('hi\n');
  });
});
