import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openLayer, type LayerSource } from '../../../../src/image/oci/open-layer.ts';
import { digest } from '../../../support/oci-image.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();

const noise = Buffer.concat(
  Array.from({ length: 8_192 }, (_, at) => createHash('sha512').update(String(at)).digest()),
);
const text = Buffer.from('all work and no play '.repeat(50_000));
const tar = Buffer.concat([noise, Buffer.alloc(300_000), text, noise]);

const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const zstd = (bytes: Buffer, ...flags: string[]): Buffer => {
  const { status, stdout } = spawnSync('zstd', ['-c', ...flags], {
    input: bytes,
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(status).toBe(0);
  return stdout;
};

/** A layer of these bytes, between others in its file. */
function layer(stored: Buffer, more: Partial<LayerSource> = {}): LayerSource {
  const path = join(folder(), 'layers');
  writeFileSync(path, Buffer.concat([Buffer.from('before'), stored, Buffer.from('after')]));
  const place = { name: 'x', path, offset: 6, sizeBytes: stored.length };
  return { ...place, diffId: digest(tar), maxUnpackedBytes: 2 ** 30, ...more };
}

/** Reads all of it; gives its size and digest, and the largest piece. */
async function drain(source: LayerSource) {
  const hash = createHash('sha256');
  let [sizeBytes, largestBytes] = [0, 0];
  for await (const chunk of (await openLayer(source, signal)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    largestBytes = Math.max(largestBytes, chunk.length);
  }
  return { sizeBytes, largestBytes, digest: `sha256:${hash.digest('hex')}` };
}

const invalid = (message: RegExp) => ({
  code: 'IMAGE_INVALID',
  message: expect.stringMatching(message) as unknown,
});

describe('openLayer', () => {
  it.each([
    ['plain', () => tar],
    ['gzip', () => gzipSync(tar)],
    [
      'gzip in two members',
      () => Buffer.concat([gzipSync(tar.subarray(0, 1_000)), gzipSync(tar.subarray(1_000))]),
    ],
    ['zstd -1', () => zstd(tar, '-1')],
    ['zstd -19', () => zstd(tar, '-19')],
    ['zstd with the largest window', () => zstd(tar, '-3', '--long=27')],
    ['zstd without checksum', () => zstd(tar, '--no-check')],
    [
      'zstd in frames, with others to be skipped',
      () =>
        Buffer.concat([SKIPPABLE, zstd(tar.subarray(0, 10)), SKIPPABLE, zstd(tar.subarray(10)), SKIPPABLE]),
    ],
  ])('unpacks %s', async (_what, stored) => {
    expect(await drain(layer(stored()))).toMatchObject({ sizeBytes: tar.length, digest: digest(tar) });
  });

  it('unpacks nothing', async () => {
    const diffId = digest(Buffer.alloc(0));
    expect(await drain(layer(Buffer.alloc(0), { diffId }))).toMatchObject({ sizeBytes: 0 });
    expect(await drain(layer(gzipSync(''), { diffId }))).toMatchObject({ sizeBytes: 0 });
  });

  it.each([
    ['gzip that ends early', () => gzipSync(tar).subarray(0, -20), /unexpected end/],
    ['gzip with a flipped bit', () => flipped(gzipSync(tar), 5_000), /cannot be used/],
    ['zstd that ends early', () => zstd(tar).subarray(0, -20), /ends too early/],
    ['zstd with a flipped bit', () => flipped(zstd(tar), 300_000), /cannot be used/],
    ['zstd with rubbish after it', () => Buffer.concat([zstd(tar), Buffer.from('rubbish')]), /no zstd/],
    [
      'zstd that asks for 2 GiB of memory',
      () => Buffer.from('28b52ffd00a8', 'hex'),
      /cannot be used: it (needs a window|ends)/,
    ],
    ['other contents', () => gzipSync('x'), /its contents have the digest/],
    ['the same and more', () => Buffer.concat([tar, Buffer.from('x')]), /its contents have the digest/],
  ])('refuses %s', async (_what, stored, message) => {
    await expect(drain(layer(stored()))).rejects.toMatchObject(invalid(message));
  });

  it('ends a bomb at its bound, with little in memory at a time', async () => {
    // 128 KiB of zeros a block of 4 bytes, 4 GiB in all.
    const block = Buffer.from([0x02, 0x00, 0x10, 0x00]);
    const bomb = Buffer.concat([
      Buffer.from('28b52ffd0038', 'hex'),
      ...new Array<Buffer>(32_768).fill(block),
    ]);
    const maxUnpackedBytes = 8 * 1024 * 1024;
    await expect(drain(layer(bomb, { maxUnpackedBytes }))).rejects.toMatchObject(
      invalid(/more than 8388608 bytes/),
    );
    const gzipBomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    await expect(drain(layer(gzipBomb, { maxUnpackedBytes }))).rejects.toMatchObject(
      invalid(/more than 8388608 bytes/),
    );
    const { largestBytes } = await drain(layer(zstd(tar, '-19')));
    expect(largestBytes).toBeLessThanOrEqual(128 * 1024);
  });
});

/** The bytes with one bit of the byte at `at` flipped. */
function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
