import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureBaseImage } from '../../../src/image/base-image.ts';
import { makeFakeAssets, zstdStored } from '../../support/fake-assets.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const assets = (): string => join(folder(), 'assets');
const images = (): string => join(folder(), 'images');

/** Changes an asset or the manifest, and gives what unpacking then says. */
async function refusalAfter(name: string, change: (bytes: Buffer) => Buffer): Promise<unknown> {
  makeFakeAssets(assets());
  const path = join(assets(), name);
  writeFileSync(path, change(readFileSync(path)));
  return ensureBaseImage(assets(), images()).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The bytes with one bit of the byte at `at` flipped. */
function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

describe('ensureBaseImage', () => {
  it('unpacks kernel, initrd and disk once, read-only, each named by its digest', async () => {
    makeFakeAssets(assets());
    const image = await ensureBaseImage(assets(), images());
    expect(readdirSync(images())).toHaveLength(3);
    expect(readFileSync(image.kernelPath, 'utf8')).toMatch(/^a kernel\n/);
    expect(statSync(image.rootfsPath).mode & 0o777).toBe(0o444);
    const made = statSync(image.rootfsPath).ino;
    await ensureBaseImage(assets(), images());
    expect(statSync(image.rootfsPath).ino).toBe(made);
  });

  it('keeps the zeros of a disk as holes', async () => {
    makeFakeAssets(assets());
    const { rootfsPath } = await ensureBaseImage(assets(), images());
    const { size, blocks } = statSync(rootfsPath);
    expect(size).toBe(1_048_576);
    expect(blocks * 512).toBeLessThan(size / 2);
  });

  it('is unpacked whole by each of many at once', async () => {
    makeFakeAssets(assets());
    await Promise.all(Array.from({ length: 10 }, () => ensureBaseImage(assets(), images())));
    expect(readdirSync(images())).toHaveLength(3);
  });

  it.each([
    ['one flipped bit', 'rootfs.zst', (bytes: Buffer) => flipped(bytes, 300_100)],
    ['a missing end', 'rootfs.zst', (bytes: Buffer) => bytes.subarray(0, 200_000)],
    ['bytes that are no zstd', 'rootfs.zst', () => Buffer.from('hello, this is no archive')],
    ['nothing at all', 'rootfs.zst', () => Buffer.alloc(0)],
    ['other contents', 'rootfs.zst', () => zstdStored(Buffer.from('short'))],
    ['more than it should have', 'rootfs.zst', () => zstdStored(Buffer.alloc(2_000_000))],
  ])('refuses an asset with %s, and nothing of it appears', async (_what, name, change) => {
    const error = await refusalAfter(name, change);
    expect(error).toMatchObject({
      code: 'IMAGE_INVALID',
      hint: expect.stringContaining('assets:build') as unknown,
    });
    const found = readdirSync(images());
    const { rootfs } = JSON.parse(readFileSync(join(assets(), 'manifest.json'), 'utf8')) as {
      rootfs: { sha256: string };
    };
    expect(found).not.toContain(rootfs.sha256);
    expect(found.filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['no JSON', () => Buffer.from('{')],
    [
      'another version',
      (bytes: Buffer) => Buffer.from(bytes.toString().replace('"formatVersion":1', '"formatVersion":2')),
    ],
    [
      'a path as a file name',
      (bytes: Buffer) => Buffer.from(bytes.toString().replace('rootfs.zst', '../rootfs.zst')),
    ],
    [
      'a digest that is none',
      (bytes: Buffer) => Buffer.from(bytes.toString().replace(/"sha256":"../, '"sha256":"zz')),
    ],
    [
      'a size that is text',
      (bytes: Buffer) => Buffer.from(bytes.toString().replace('"sizeBytes":9000', '"sizeBytes":"9"')),
    ],
  ])('refuses a manifest with %s', async (_what, change) => {
    expect(await refusalAfter('manifest.json', change)).toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('says that the assets are missing', async () => {
    await expect(ensureBaseImage(join(folder(), 'none'), images())).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      hint: expect.stringContaining('npm run assets:build') as unknown,
    });
  });
});
