import { describe, expect, it } from 'vitest';
import { diskSizeBytes } from './disk-size.ts';

const MIB = 1024 * 1024;

describe('the size of a disk', () => {
  it('is that of its source where none is asked for', () => {
    expect(diskSizeBytes(null, 5_000_000, 'the image /i')).toBe(5_000_000);
  });

  it('is what is asked for, if that is not less', () => {
    expect(diskSizeBytes(5, 5 * MIB, 'the image /i')).toBe(5 * MIB);
    expect(diskSizeBytes(4_194_304, 5 * MIB, 'the image /i')).toBe(4 * 2 ** 40);
  });

  it('never shrinks, and the error names both sizes', () => {
    expect(() => diskSizeBytes(5, 6 * MIB, 'the image /i')).toThrow(
      'diskSizeMib: a disk never shrinks: 5 MiB were asked for, the image /i has 6 MiB',
    );
    expect(() => diskSizeBytes(5, 5 * MIB + 4_096, 'the retained disk')).toThrow(
      'the retained disk has 5.004 MiB',
    );
  });
});
