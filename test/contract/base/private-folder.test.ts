import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensurePrivateFolder } from '../../../src/base/private-folder.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const isRoot = process.getuid?.() === 0;

function refusal(path: string): unknown {
  try {
    ensurePrivateFolder(path);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('ensurePrivateFolder', () => {
  it('makes the folder and its parents for nobody else', () => {
    const path = join(folder(), 'a/b');
    ensurePrivateFolder(path);
    ensurePrivateFolder(path);
    for (const each of [path, join(folder(), 'a')]) expect(statSync(each).mode & 0o777).toBe(0o700);
  });

  it.each([0o755, 0o710, 0o701, 0o770])('refuses a folder that others may enter: mode %i', (mode) => {
    const path = join(folder(), 'wide');
    mkdirSync(path);
    chmodSync(path, mode);
    expect(refusal(path)).toMatchObject({ code: 'PERMISSION_DENIED', details: { path } });
    expect(statSync(path).mode & 0o777).toBe(mode);
  });

  it('refuses a symbolic link, also to a private folder', () => {
    const [target, path] = [join(folder(), 'target'), join(folder(), 'link')];
    mkdirSync(target, { mode: 0o700 });
    symlinkSync(target, path);
    expect(refusal(path)).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('symbolic link') as unknown,
    });
  });

  it('refuses a symbolic link to nowhere', () => {
    const path = join(folder(), 'link');
    symlinkSync(join(folder(), 'missing'), path);
    expect(refusal(path)).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('refuses a file in its place', () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'x');
    expect(refusal(path)).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('not a folder') as unknown,
    });
  });

  it('refuses a folder below a file', () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'x');
    expect(refusal(join(path, 'below'))).toMatchObject({ code: 'HOST_FAILED' });
  });

  it.skipIf(!isRoot)('refuses the folder of another user (needs root to make one)', () => {
    const path = join(folder(), 'foreign');
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, 12_345, 12_345);
    expect(refusal(path)).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('user 12345') as unknown,
    });
  });
});
