import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../errors.ts';
import { parseStartOptions, parseStopOptions, parseVmSpec } from './vm-spec.ts';

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
      kernelPath: undefined,
      rootfsPath: undefined,
      backend: 'auto',
    });
  });

  it('treats null and undefined as left out where the option says so', () => {
    expect(parseVmSpec({ vmId: null, backend: null, vcpuCount: undefined })).toMatchObject({
      backend: 'auto',
      vcpuCount: 2,
    });
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
    [{ backend: '' }, 'backend: expected a name, received ""'],
    [{ cpus: 2 }, 'cpus: is not an option'],
  ])('refuses %j and says why', (options, problem) => {
    const problems = problemsOf(() => parseVmSpec(options));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  it('reports several problems at once', () => {
    const problems = problemsOf(() => parseVmSpec({ vcpuCount: 0, memSizeMib: 'much', vmId: 'A', cpus: 1 }));
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
      'cpus',
      'memSizeMib',
      'vcpuCount',
      'vmId',
    ]);
  });

  it('does not show the whole of a long value', () => {
    const [problem = ''] = problemsOf(() => parseVmSpec({ vmId: 'A'.repeat(10_000) }));
    expect(problem.length).toBeLessThan(300);
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
