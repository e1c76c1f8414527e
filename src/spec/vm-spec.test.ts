import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../errors.ts';
import { parseStartOptions, parseStopOptions } from './lifecycle-options.ts';
import { parseVmSpec } from './vm-spec.ts';

/** The problems that an input has. */
function problemsOf(parse: () => unknown): readonly string[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (error instanceof ValidationError) return error.problems;
    throw error;
  }
}

describe('parseVmSpec', () => {
  it('fills in every option that is left out', () => {
    const { vmId, ...rest } = parseVmSpec({});
    expect(vmId).toMatch(/^vm-[0-9a-f]{8}$/);
    expect(rest).toEqual({
      vcpuCount: 2,
      memSizeMib: 512,
      diskSizeMib: null,
      kernelPath: undefined,
      rootfsPath: undefined,
      bootArgs: 'console=ttyS0 reboot=k panic=1 pci=off',
      backend: 'auto',
      diskMode: 'isolated',
      retainDiskOnDelete: false,
      envVars: {},
      channel: 'agent',
      image: null,
    });
  });

  it('treats null and undefined as left out where the option says so', () => {
    expect(parseVmSpec({ vmId: null, backend: null, diskSizeMib: null, vcpuCount: undefined })).toMatchObject(
      {
        backend: 'auto',
        vcpuCount: 2,
      },
    );
    expect(problemsOf(() => parseVmSpec({ vcpuCount: null }))).toHaveLength(1);
  });

  it.each([
    { vcpuCount: 1 },
    { vcpuCount: 32 },
    { memSizeMib: 128 },
    { memSizeMib: 16_384 },
    { vmId: 'a' },
    { vmId: 'x'.repeat(64) },
    { kernelPath: '/k', rootfsPath: 'relative/is fine' },
    { backend: 'qemu' },
    { backend: 'firecracker' },
    { diskSizeMib: 1 },
    { diskSizeMib: 4_194_304 },
    { diskMode: 'shared', rootfsPath: '/r' },
    { retainDiskOnDelete: true },
    { envVars: { _A1: '', constructor: 'x', __proto__x: 'y' } },
    { bootArgs: '' },
  ])('takes %j', (options) => {
    expect(parseVmSpec(options)).toMatchObject(options);
  });

  it.each([
    [{ vcpuCount: 0 }, 'vcpuCount: expected a whole number from 1 to 32, received 0'],
    [{ vcpuCount: 33 }, 'vcpuCount: expected a whole number from 1 to 32, received 33'],
    [{ vcpuCount: 1.5 }, 'vcpuCount: expected a whole number from 1 to 32, received 1.5'],
    [{ vcpuCount: '2' }, 'vcpuCount: expected a whole number from 1 to 32, received "2"'],
    [{ vcpuCount: NaN }, 'vcpuCount: expected a whole number from 1 to 32, received NaN'],
    [{ memSizeMib: 127 }, 'memSizeMib: expected a whole number from 128 to 16384, received 127'],
    [{ memSizeMib: 16_385 }, 'memSizeMib: expected a whole number from 128 to 16384, received 16385'],
    [{ memSizeMib: Infinity }, 'memSizeMib: expected a whole number from 128 to 16384, received Infinity'],
    [{ vmId: 'VM1' }, /^vmId: expected 1 to 64 lowercase .*, received "VM1"$/],
    [{ vmId: '-a' }, /^vmId: .*"-a"$/],
    [{ vmId: 'a-' }, /^vmId: .*"a-"$/],
    [{ vmId: 'a b' }, /^vmId: .*"a b"$/],
    [{ vmId: 'x'.repeat(65) }, /^vmId: /],
    [{ vmId: '' }, /^vmId: .*""$/],
    [{ kernelPath: '' }, 'kernelPath: expected a path that is not empty, received ""'],
    [{ rootfsPath: 'a\0b' }, /^rootfsPath: expected a path/],
    [{ backend: '' }, 'backend: expected one of auto, firecracker, qemu, received ""'],
    [{ backend: 'x' }, 'backend: expected one of auto, firecracker, qemu, received "x"'],
    [{ diskMode: 'x' }, 'diskMode: expected one of isolated, shared, received "x"'],
    [{ diskMode: 'shared' }, "rootfsPath: is required with diskMode 'shared'"],
    [
      { diskMode: 'shared', rootfsPath: '/r', diskSizeMib: 5 },
      'diskSizeMib: a shared disk is never resized, received 5',
    ],
    [{ diskSizeMib: 0 }, 'diskSizeMib: expected a whole number from 1 to 4194304, received 0'],
    [{ retainDiskOnDelete: 'yes' }, 'retainDiskOnDelete: expected true or false, received "yes"'],
    [{ rootfsPath: `/${'x'.repeat(4_095)}` }, /^rootfsPath: expected a path of at most 4095 bytes/],
    [{ bootArgs: 'root=/dev/sda' }, /^bootArgs: expected boot arguments without root=/],
    [{ bootArgs: 7 }, 'bootArgs: expected boot arguments, received 7'],
    [{ constructor: 1 }, 'constructor: is not an option'],
    [{ 'a\u001b[2J\u202e': 1 }, 'a\\x1b[2J\\u202e: is not an option'],
    [[], 'expected an object of options, received an array'],
    [new Map([['vmId', 'a']]), 'expected an object of options, received a value of type object'],
    [{ cpus: 2 }, 'cpus: is not an option'],
  ])('refuses %j and says why', (options, problem) => {
    const problems = problemsOf(() => parseVmSpec(options));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  it('reports several problems at once', () => {
    const input = { vcpuCount: 0, memSizeMib: 'much', vmId: 'A', cpus: 1, disks: 2 };
    const problems = problemsOf(() => parseVmSpec(input));
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
      'cpus',
      'disks',
      'memSizeMib',
      'vcpuCount',
      'vmId',
    ]);
  });

  it('does not show the whole of a long value', () => {
    const [problem = ''] = problemsOf(() => parseVmSpec({ vmId: 'A'.repeat(10_000) }));
    expect(problem.length).toBeLessThan(300);
  });

  it('shows received text so that a terminal does nothing with it', () => {
    const [problem = ''] = problemsOf(() => parseVmSpec({ vmId: 'a\u001b]0;x\u0007\u009b31m\u202e' }));
    expect(problem).toMatch(/^[\x20-\x7e]+$/);
  });

  it('tells 32 of many problems, and how many more there are', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x${String(index)}`, 1]));
    const problems = problemsOf(() => parseVmSpec(many));
    expect(problems).toHaveLength(33);
    expect(problems.at(-1)).toBe('and 968 more problems');
  });

  it('gives a frozen spec within all ranges or a ValidationError, whatever it is given', () => {
    const option = fc.oneof(fc.integer({ min: -5, max: 20_000 }), fc.double(), fc.string(), fc.anything());
    const options = fc.oneof(
      fc.anything(),
      fc.record(
        { vmId: option, vcpuCount: option, memSizeMib: option, kernelPath: option, backend: option },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(options, (input) => {
        try {
          const spec = parseVmSpec(input);
          expect(Object.isFrozen(spec)).toBe(true);
          expect(spec.vcpuCount >= 1 && spec.vcpuCount <= 32).toBe(true);
          expect(spec.memSizeMib >= 128 && spec.memSizeMib <= 16_384).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ValidationError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the options of start and stop', () => {
  it('have defaults', () => {
    expect(parseStartOptions({})).toEqual({ bootTimeoutMs: 30_000 });
    expect(parseStopOptions({})).toEqual({ timeoutMs: 3_000 });
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 31, '5'])('refuse %s milliseconds', (value) => {
    expect(problemsOf(() => parseStartOptions({ bootTimeoutMs: value }))).toHaveLength(1);
    expect(problemsOf(() => parseStopOptions({ timeoutMs: value }))).toHaveLength(1);
  });

  it.each([1, 2 ** 31 - 1])('take %s milliseconds', (value) => {
    expect(parseStartOptions({ bootTimeoutMs: value }).bootTimeoutMs).toBe(value);
    expect(parseStopOptions({ timeoutMs: value }).timeoutMs).toBe(value);
  });
});
