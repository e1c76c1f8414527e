import { describe, expect, it } from 'vitest';
import { cpioArchive } from '../../../scripts/assets/cpio.ts';
import { findInArchive } from '../../../src/image/agent-program.ts';

const archive = cpioArchive([
  { name: 'dev', mode: 0o040755 },
  { name: 'init', mode: 0o100755, contents: Buffer.from('a program') },
  { name: 'other', mode: 0o100644, contents: Buffer.alloc(5_000, 'x') },
]);

describe('a file in an initrd', () => {
  it('is found by its name', () => {
    expect(findInArchive(archive, 'init')?.toString()).toBe('a program');
    expect(findInArchive(archive, 'other')).toHaveLength(5_000);
    expect(findInArchive(archive, 'none')).toBeUndefined();
  });

  it('is not found in what is cut off or no archive', () => {
    for (const length of [0, 50, 300, archive.length - 400]) {
      expect(findInArchive(archive.subarray(0, length), 'other')).toBeUndefined();
    }
    expect(findInArchive(Buffer.alloc(1_000, 'z'), 'init')).toBeUndefined();
    const hostile = Buffer.from(archive);
    hostile.write('zzzzzzzz', 6 + 8 * 6, 'latin1');
    expect(findInArchive(hostile, 'init')).toBeUndefined();
  });
});
