import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  BootImage,
  DirectKernelBoot,
  SSH_BOOT_ARGS,
  ValidationError,
  type BootImageFields,
} from '../../../src/index.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const boot = new DirectKernelBoot();
let rootfsPath = '';

beforeEach(() => {
  rootfsPath = join(folder(), 'root.ext4');
  writeFileSync(rootfsPath, 'x');
});

/** The problems that fields have. */
function problemsOf(fields: unknown): readonly string[] {
  try {
    new BootImage(fields as BootImageFields);
    return [];
  } catch (error) {
    if (error instanceof ValidationError) return error.problems;
    throw error;
  }
}

describe('a BootImage', () => {
  it('trims name and arguments, and needs no kernel (behaviour 13)', () => {
    const image = new BootImage({ name: '  worker ', rootfsPath, bootArgs: `  ${SSH_BOOT_ARGS}\n` });
    expect(image).toMatchObject({
      name: 'worker',
      bootArgs: SSH_BOOT_ARGS,
      kernelPath: null,
      initrdPath: null,
    });
    expect(image.renderBootArgs()).toBe(SSH_BOOT_ARGS);
    expect(image.bootMode).toBe('direct-kernel');
  });

  it('fills in what is left out', () => {
    expect(new BootImage({ name: 'a', rootfsPath, boot })).toMatchObject({
      rootfsFormat: 'raw-ext4',
      backend: null,
      arch: null,
      sshCapable: false,
      config: null,
    });
  });

  it('has either boot or bootArgs (behaviour 13)', () => {
    expect(problemsOf({ name: 'a', rootfsPath, boot, bootArgs: 'quiet' })).toEqual([
      'boot, bootArgs: are mutually exclusive',
    ]);
    const neither = ['boot, bootArgs: one of them is required'];
    expect(problemsOf({ name: 'a', rootfsPath })).toEqual(neither);
    expect(problemsOf({ name: 'a', rootfsPath, boot: null, bootArgs: null })).toEqual(neither);
    expect(problemsOf({ name: 'a', rootfsPath, bootArgs: '  ' })).toEqual([
      expect.stringContaining('bootArgs: expected kernel arguments that are not blank'),
    ]);
  });

  it('names files that are missing, or are none (behaviour 13)', () => {
    mkdirSync(join(folder(), 'dir'));
    const paths = {
      rootfsPath: join(folder(), 'no'),
      kernelPath: join(folder(), 'dir'),
      initrdPath: join(folder(), 'no'),
    };
    expect(problemsOf({ name: 'a', boot, ...paths })).toEqual([
      `rootfsPath: there is no file ${paths.rootfsPath}`,
      `kernelPath: ${paths.kernelPath} is not a regular file`,
      `initrdPath: there is no file ${paths.initrdPath}`,
    ]);
  });

  it('refuses formats and boots that there are not, with the way out (behaviour 13)', () => {
    expect(problemsOf({ name: 'a', rootfsPath, boot, rootfsFormat: 'qcow2' })).toEqual([
      'rootfsFormat: expected raw-ext4, the only format there is (qemu-img convert -O raw makes it), received "qcow2"',
    ]);
    expect(problemsOf({ name: 'a', rootfsPath, boot: 'firmware', kernelPath: rootfsPath })).toEqual([
      `boot: expected a DirectKernelBoot or 'agent' (there is no boot by firmware), received "firmware"`,
    ]);
  });

  it('tells every problem at once, also those of its boot', () => {
    const fields = {
      name: ' ',
      rootfsPath: '',
      boot: { panic: 'x', extraArgs: ['a b'] },
      backend: 'other',
      arch: 'mips',
      sshCapable: 1,
      config: { env: {} },
      unknown: 1,
    };
    const found = problemsOf(fields).map((problem) => problem.split(':')[0]);
    expect(found).toEqual([
      'name',
      'rootfsPath',
      'backend',
      'arch',
      'sshCapable',
      ...['workdir', 'user', 'entrypoint', 'cmd', 'exposedPorts'].map((name) => `config.${name}`),
      'unknown',
      'boot.panic',
      'boot.extraArgs.0',
    ]);
  });

  it.each(['a\nb', `root=/dev/vda ${'x'.repeat(1_400)}`, 'foo="a'])(
    'refuses the arguments %j',
    (bootArgs) => {
      expect(problemsOf({ name: 'a', rootfsPath, bootArgs })).toEqual([expect.stringMatching(/^bootArgs: /)]);
    },
  );

  it.each([
    ['x86_64', 'amd64'],
    ['amd64', 'amd64'],
    ['aarch64', 'arm64'],
    ['arm64', 'arm64'],
    ['host', { x64: 'amd64', arm64: 'arm64' }[process.arch as 'x64' | 'arm64']],
  ] as const)('calls the architecture %s %s', (arch, expected) => {
    expect(new BootImage({ name: 'a', rootfsPath, boot, arch }).arch).toBe(expected);
  });

  it('with the agent has neither arguments nor an initrd of its own', () => {
    const image = new BootImage({ name: 'a', rootfsPath, boot: 'agent' });
    expect([image.bootMode, image.renderBootArgs()]).toEqual(['agent', '']);
    expect(problemsOf({ name: 'a', rootfsPath, boot: 'agent', initrdPath: rootfsPath })).toHaveLength(1);
  });

  it('renders for what it was made for, unless told otherwise', () => {
    const image = new BootImage({ name: 'a', rootfsPath, boot, backend: 'firecracker', arch: 'arm64' });
    expect(image.renderBootArgs()).toBe(boot.render({ backend: 'firecracker', arch: 'arm64' }));
    expect(image.renderBootArgs({ backend: 'qemu', verboseBoot: true })).toBe(
      boot.render({ backend: 'qemu', arch: 'arm64', verboseBoot: true }),
    );
  });

  it('is frozen in all depths, and a change is checked as a whole', () => {
    const config = {
      env: { A: '1' },
      workdir: '/srv',
      user: '',
      entrypoint: ['/a'],
      cmd: [],
      exposedPorts: ['80/tcp'],
    };
    const image = new BootImage({ name: 'a', rootfsPath, boot, config });
    config.entrypoint.push('b');
    expect(image.config?.entrypoint).toEqual(['/a']);
    expect(() => Object.assign(image.config?.env ?? {}, { B: '2' })).toThrow(TypeError);
    expect(() => Object.assign(image, { name: 'b' })).toThrow(TypeError);
    expect(image.with({ name: ' b ', boot: undefined })).toMatchObject({
      name: 'b',
      boot,
      config: image.config,
    });
    expect(() => image.with({ bootArgs: 'quiet' })).toThrow('mutually exclusive');
    expect(image.with({ boot: null, bootArgs: 'quiet' }).renderBootArgs()).toBe('quiet');
    rmSync(rootfsPath);
    expect(() => image.with({ name: 'c' })).toThrow(`there is no file ${rootfsPath}`);
  });

  it.each([{ boot }, { boot: 'agent' as const }, { bootArgs: 'root=/dev/vda' }])(
    'is made again from its JSON (case %#)',
    (how) => {
      const image = new BootImage({ name: 'a', rootfsPath, sshCapable: true, ...how });
      expect(new BootImage(JSON.parse(JSON.stringify(image)) as BootImageFields)).toEqual(image);
    },
  );

  it.each([null, [], 'x'])('refuses %j', (fields) => {
    expect(problemsOf(fields)).toHaveLength(1);
    const image = new BootImage({ name: 'a', rootfsPath, boot });
    expect(() => image.with(fields as object)).toThrow('BootImage');
  });
});
