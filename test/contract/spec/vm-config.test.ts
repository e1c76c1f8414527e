import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { ValidationError, VMConfig, type VMConfigFields } from '../../../src/index.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
let paths: { readonly kernelPath: string; readonly rootfsPath: string };

beforeEach(() => {
  paths = { kernelPath: join(folder(), 'vmlinux'), rootfsPath: join(folder(), 'root.ext4') };
  for (const path of Object.values(paths)) writeFileSync(path, 'x');
});

/** The problems that fields have. */
function problemsOf(fields: unknown): readonly string[] {
  try {
    new VMConfig(fields as VMConfigFields);
    return [];
  } catch (error) {
    if (error instanceof ValidationError) return error.problems;
    throw error;
  }
}

describe('a VMConfig', () => {
  it('fills in the documented default of every field', () => {
    expect(new VMConfig({ ...paths, vmId: 'a' }).toJSON()).toEqual({
      vmId: 'a',
      vcpuCount: 2,
      memSizeMib: 512,
      diskSizeMib: null,
      ...paths,
      bootArgs: 'console=ttyS0 reboot=k panic=1 pci=off',
      backend: null,
      diskMode: 'isolated',
      retainDiskOnDelete: false,
      envVars: {},
      channel: 'agent',
      sshCapable: null,
      sshHostKey: null,
    });
  });

  it.each([undefined, null])(
    'with the id %s gets vm- and 8 hexadecimal digits, another one each time',
    (vmId) => {
      const [one, other] = [new VMConfig({ ...paths, vmId }), new VMConfig({ ...paths, vmId })];
      expect(one.vmId).toMatch(/^vm-[0-9a-f]{8}$/);
      expect(other.vmId).not.toBe(one.vmId);
    },
  );

  it.each(['VM1', '-a', 'a-', 'a b', 'x'.repeat(65), ''])('refuses the id %j', (vmId) => {
    expect(problemsOf({ ...paths, vmId })).toEqual([expect.stringMatching(/^vmId: /)]);
  });

  it.each(['a', 'x'.repeat(64), 'api-server', '0'])('takes the id %j', (vmId) => {
    expect(new VMConfig({ ...paths, vmId }).vmId).toBe(vmId);
  });

  it.each([{ vcpuCount: 0 }, { vcpuCount: 33 }, { memSizeMib: 127 }, { memSizeMib: 16_385 }])(
    'refuses %j',
    (fields) => {
      expect(problemsOf({ ...paths, ...fields })).toEqual([
        expect.stringContaining(Object.keys(fields)[0] ?? ''),
      ]);
    },
  );

  it.each([{ vcpuCount: 1 }, { vcpuCount: 32 }, { memSizeMib: 128 }, { memSizeMib: 16_384 }])(
    'takes %j',
    (fields) => {
      expect(new VMConfig({ ...paths, ...fields })).toMatchObject(fields);
    },
  );

  it.each(['kernelPath', 'rootfsPath'] as const)(
    'refuses a %s that is missing, a folder or left out',
    (field) => {
      const path = join(folder(), 'gone');
      expect(problemsOf({ ...paths, [field]: path })).toEqual([`${field}: there is no file ${path}`]);
      expect(problemsOf({ ...paths, [field]: folder() })).toEqual([
        `${field}: ${folder()} is not a regular file`,
      ]);
      expect(problemsOf({ ...paths, [field]: `${paths.kernelPath}/x` })).toEqual([
        `${field}: there is no file ${paths.kernelPath}/x`,
      ]);
      expect(problemsOf({ ...paths, [field]: undefined })).toEqual([
        `${field}: expected a path, received undefined`,
      ]);
      const rest: Record<string, unknown> = { ...paths };
      Reflect.deleteProperty(rest, field);
      expect(problemsOf(rest)).toEqual([`${field}: is required`]);
    },
  );

  it('follows links to a file, and refuses those that lead nowhere', () => {
    symlinkSync(paths.kernelPath, join(folder(), 'link'));
    symlinkSync(join(folder(), 'gone'), join(folder(), 'dangling'));
    expect(problemsOf({ ...paths, kernelPath: join(folder(), 'link') })).toEqual([]);
    expect(problemsOf({ ...paths, kernelPath: join(folder(), 'dangling') })).toHaveLength(1);
  });

  it.skipIf(process.getuid?.() === 0)('says so where it may not look', () => {
    mkdirSync(join(folder(), 'closed'));
    chmodSync(join(folder(), 'closed'), 0o000);
    expect(problemsOf({ ...paths, kernelPath: join(folder(), 'closed/x') })).toEqual([
      expect.stringContaining('EACCES'),
    ]);
    chmodSync(join(folder(), 'closed'), 0o700);
  });

  it('names a path of any characters so that a terminal does nothing with it', () => {
    const [problem = ''] = problemsOf({ ...paths, kernelPath: join(folder(), '\u001b[2J\u202e') });
    expect(problem).toContain('\\x1b[2J\\u202e');
  });

  it.each(['', '1A', 'A=B', 'A B', 'A-B'])('refuses the variable name %j', (name) => {
    expect(problemsOf({ ...paths, envVars: { [name]: 'x' } })).toEqual([expect.stringMatching(/^envVars: /)]);
  });

  it('takes the variable name _A1', () => {
    expect(new VMConfig({ ...paths, envVars: { _A1: 'x' } }).envVars).toEqual({ _A1: 'x' });
  });

  it.each([{ diskMode: 'x' }, { backend: 'x' }, { cpus: 2 }, { disk_mode: 'shared' }])(
    'refuses %j',
    (fields) => {
      expect(problemsOf({ ...paths, ...fields })).toHaveLength(1);
    },
  );

  it.each(['firecracker', 'qemu', 'auto', null])('takes the backend %s', (backend) => {
    expect(new VMConfig({ ...paths, backend } as VMConfigFields).backend).toBe(backend);
  });

  it('tells all problems at once, those of files too', () => {
    const fields = {
      vmId: 'A',
      vcpuCount: 0,
      kernelPath: '/gone',
      rootfsPath: 7,
      diskMode: 'x',
      envVars: { '1': '' },
      y: 1,
    };
    expect(problemsOf(fields).map((problem) => problem.split(':')[0])).toEqual(
      expect.arrayContaining(['vmId', 'vcpuCount', 'kernelPath', 'rootfsPath', 'diskMode', 'envVars', 'y']),
    );
  });

  it('never shows the value of a variable in an error, and neither does what is behind the error', () => {
    for (const envVars of [
      { TOKEN: 'hunter2\0' },
      { 'TOKEN=hunter2': '' },
      'TOKEN=hunter2',
      { TOKEN: ['hunter2'] },
    ]) {
      try {
        new VMConfig({ ...paths, vcpuCount: 0, envVars } as unknown as VMConfigFields);
        expect.unreachable();
      } catch (error) {
        expect(inspect(error, { depth: Infinity })).not.toContain('hunter2');
        expect(JSON.stringify(error)).not.toContain('hunter2');
      }
    }
  });

  it('is frozen in all depths: assignment throws and changes nothing', () => {
    const given = { A: '1' };
    const config = new VMConfig({ ...paths, envVars: given });
    expect(() => Object.assign(config, { vcpuCount: 4 })).toThrow(TypeError);
    expect(() => Object.assign(config.envVars, { A: '2' })).toThrow(TypeError);
    expect(() => Object.assign(config, { other: 1 })).toThrow(TypeError);
    given.A = '3';
    expect(config).toMatchObject({ vcpuCount: 2, envVars: { A: '1' } });
    expect(config).not.toHaveProperty('other');
  });

  it('makes a changed copy that is checked as a whole, and stays as it is', () => {
    const config = new VMConfig({ ...paths, vmId: 'a', envVars: { A: '1' } });
    const changed = config.with({ vcpuCount: 4, memSizeMib: undefined });
    expect(changed).toBeInstanceOf(VMConfig);
    expect(changed.toJSON()).toEqual({ ...config.toJSON(), vcpuCount: 4 });
    expect(config.vcpuCount).toBe(2);
    expect(config.with({ vmId: null }).vmId).toMatch(/^vm-/);
    for (const changes of [{ vcpuCount: 0 }, { cpus: 1 }, 'x', null] as unknown as Partial<VMConfigFields>[])
      expect(() => config.with(changes)).toThrow(ValidationError);
    rmSync(paths.kernelPath);
    expect(() => config.with({ vcpuCount: 4 })).toThrow(/there is no file/);
  });

  it('comes back equal through JSON, with the values of its variables', () => {
    const config = new VMConfig({ ...paths, backend: 'qemu', diskSizeMib: 900, envVars: { A: '1' } });
    expect(new VMConfig(JSON.parse(JSON.stringify(config)) as VMConfigFields)).toEqual(config);
  });

  it('has a JSON Schema that a caller may change without harm', () => {
    const schema = VMConfig.jsonSchema();
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
    Object.assign(schema, { type: 'string' });
    expect(VMConfig.jsonSchema()['type']).toBe('object');
  });
});
