import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../errors.ts';
import { DirectKernelBoot, type DirectKernelBootFields } from './direct-kernel-boot.ts';

const qemu = { backend: 'qemu', arch: 'amd64' } as const;
const firecracker = { backend: 'firecracker', arch: 'amd64' } as const;
const wordsOf = (fields: DirectKernelBootFields, verboseBoot = false): readonly string[] =>
  new DirectKernelBoot(fields).render({ ...qemu, verboseBoot }).split(' ');

/** The problems that fields have. */
function problemsOf(fields: unknown): readonly string[] {
  try {
    new DirectKernelBoot(fields as DirectKernelBootFields);
    return [];
  } catch (error) {
    if (error instanceof ValidationError) return error.problems;
    throw error;
  }
}

describe('a DirectKernelBoot renders', () => {
  it('the known vector for firecracker, and no pci=off for qemu (behaviour 10)', () => {
    const boot = new DirectKernelBoot();
    expect(boot.render(firecracker)).toBe(
      'console=ttyS0 reboot=k panic=1 pci=off root=/dev/vda rw init=/init tsc=reliable no_timer_check quiet',
    );
    expect(boot.render(qemu)).toBe(
      'console=ttyS0 reboot=k panic=1 root=/dev/vda rw init=/init tsc=reliable no_timer_check quiet',
    );
  });

  it('the console of the machine: ttyAMA0 for qemu on arm64 only (behaviour 10)', () => {
    const boot = new DirectKernelBoot();
    expect(boot.render({ backend: 'qemu', arch: 'arm64' })).toMatch(/^console=ttyAMA0 reboot=k /);
    expect(boot.render({ backend: 'firecracker', arch: 'arm64' })).toMatch(/^console=ttyS0 /);
    expect(boot.render({ backend: 'qemu', arch: 'arm64' })).not.toContain('pci=off');
  });

  it('no quiet for a verbose boot, which keeps the trims (behaviour 11)', () => {
    expect(wordsOf({}, true)).toEqual(wordsOf({}).filter((word) => word !== 'quiet'));
    expect(wordsOf({}, true)).toEqual(expect.arrayContaining(['tsc=reliable', 'no_timer_check']));
  });

  it('a quiet that was asked for, or none, whatever the boot is', () => {
    expect(wordsOf({ quiet: true }, true)).toContain('quiet');
    expect(wordsOf({ quiet: false })).not.toContain('quiet');
  });

  it('no console, ro, and no init where they are not wanted (behaviour 11)', () => {
    expect(wordsOf({ console: 'none', rw: false, init: null })).toEqual([
      'reboot=k',
      'panic=1',
      'root=/dev/vda',
      'ro',
      'tsc=reliable',
      'no_timer_check',
      'quiet',
    ]);
  });

  it('every field in its place, the extra words last', () => {
    const boot = new DirectKernelBoot({
      root: 'PARTUUID=1-2',
      init: '/sbin/init',
      panic: -1,
      reboot: 't',
      safeTrims: false,
      extraArgs: ['loglevel=7', '--', 'single'],
    });
    expect(boot.render(qemu)).toBe(
      'console=ttyS0 reboot=t panic=-1 root=PARTUUID=1-2 rw init=/sbin/init quiet loglevel=7 -- single',
    );
  });
});

describe('a DirectKernelBoot', () => {
  it.each(['a b', '', 'a\tb', 'a\nb', 'a\0', 'a\u00a0b', 'foo="a'])(
    'refuses the extra word %j (behaviour 12)',
    (extra) => {
      expect(problemsOf({ extraArgs: [extra] })).toEqual([
        expect.stringMatching(/^extraArgs\.0: .*one word/),
      ]);
    },
  );

  it('tells every problem at once', () => {
    const fields = { root: '/dev/a b', init: '', console: 'x', panic: 1.5, rw: 1, other: true };
    expect(problemsOf(fields).map((problem) => problem.split(':')[0])).toEqual([
      'root',
      'init',
      'rw',
      'console',
      'panic',
      'other',
    ]);
  });

  it.each([null, [], 'x', new Map()])('refuses %j', (fields) => {
    expect(problemsOf(fields)).toHaveLength(1);
  });

  it('refuses more words than a kernel takes', () => {
    expect(problemsOf({ extraArgs: ['x'.repeat(1_400)] })).toEqual([expect.stringContaining('bytes')]);
    expect(problemsOf({ extraArgs: new Array<string>(200).fill('x') })).toHaveLength(1);
  });

  it('is frozen in all depths, and does not see what happens to its input', () => {
    const extraArgs = ['a'];
    const boot = new DirectKernelBoot({ extraArgs });
    extraArgs.push('b c');
    expect(boot.extraArgs).toEqual(['a']);
    expect(() => (boot.extraArgs as string[]).push('b c')).toThrow(TypeError);
    expect(() => Object.assign(boot, { init: '/x' })).toThrow(TypeError);
  });

  it('is made again from its JSON', () => {
    const boot = new DirectKernelBoot({ init: null, quiet: false, extraArgs: ['a'] });
    const copy = new DirectKernelBoot(JSON.parse(JSON.stringify(boot)) as DirectKernelBootFields);
    expect(copy).toEqual(boot);
  });

  it('renders as many words as it says, whatever words they are', () => {
    const word = fc.string({ unit: fc.constantFrom('a', '=', '/', '-', '"', 'ä', ' '), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (extraArgs) => {
        if (problemsOf({ extraArgs }).length > 0) return;
        expect(wordsOf({ extraArgs })).toEqual([...wordsOf({}), ...extraArgs]);
      }),
    );
  });
});
