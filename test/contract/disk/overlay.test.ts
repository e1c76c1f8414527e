import { execFileSync } from 'node:child_process';
import { openSync, closeSync, ftruncateSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.ts';
import { createOverlay } from '../../../src/disk/overlay.ts';
import { growOverlay, inspectOverlay } from '../../../src/disk/overlay-file.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const MIB = 2 ** 20;
const sizes = [MIB, 512 * MIB, 512 * MIB + 4_096, 5_000 * MIB, 65_536 * MIB];
const qemuImg = findProgram('qemu-img');
if (qemuImg === undefined) console.warn('skipped: there is no qemu-img that could check our disks');

async function overlayOf(sizeBytes: number): Promise<string> {
  const [backingPath, path] = [join(folder(), 'base,ä'), join(folder(), 'disk.qcow2')];
  const base = openSync(backingPath, 'w');
  ftruncateSync(base, sizeBytes);
  closeSync(base);
  await createOverlay({ path, backingPath, sizeBytes, durable: false });
  return path;
}

function qemuImgJson(...args: readonly string[]): Record<string, unknown> {
  return JSON.parse(execFileSync(qemuImg ?? '', args, { encoding: 'utf8' })) as Record<string, unknown>;
}

describe('createOverlay', () => {
  it('makes one private file that takes hardly any space', async () => {
    const path = await overlayOf(65_536 * MIB);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).blocks * 512).toBeLessThanOrEqual(64 * 1024);
    expect(readdirSync(folder()).sort()).toEqual(['base,ä', 'disk.qcow2']);
  });

  it.skipIf(qemuImg === undefined)(
    'makes a disk that can be grown, in which qemu-img finds no fault',
    async () => {
      const path = await overlayOf(5 * MIB);
      for (const size of [5 * MIB, 600 * MIB, 4 * 1024 * 1024 * MIB]) {
        await growOverlay(path, size);
        expect(inspectOverlay(path)).toEqual({ isSound: true, sizeBytes: size });
        expect(qemuImgJson('check', '--output=json', path)).toMatchObject({ 'check-errors': 0 });
        expect(qemuImgJson('info', '--output=json', path)).toMatchObject({ 'virtual-size': size });
      }
      await expect(growOverlay(path, MIB)).rejects.toMatchObject({ code: 'INTERNAL' });
    },
  );

  it.skipIf(qemuImg === undefined).each(sizes)(
    'makes a disk of %i bytes in which qemu-img finds no fault',
    async (size) => {
      const path = await overlayOf(size);
      expect(qemuImgJson('check', '--output=json', path)).toMatchObject({ 'check-errors': 0 });
      expect(qemuImgJson('check', '--output=json', path)).not.toHaveProperty('leaks');
      expect(qemuImgJson('info', '--output=json', path)).toMatchObject({
        format: 'qcow2',
        'virtual-size': size,
        'cluster-size': 65_536,
        'backing-filename': join(folder(), 'base,ä'),
        'backing-filename-format': 'raw',
        'format-specific': { data: { compat: '1.1', 'refcount-bits': 16, corrupt: false } },
      });
    },
  );
});
