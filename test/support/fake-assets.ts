import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Contents of the three images: the kernel is text, the disk is mostly zeros as a real one is. */
const CONTENTS: Readonly<Record<'kernel' | 'initrd' | 'rootfs', Buffer>> = {
  kernel: Buffer.from('a kernel\n'.repeat(1_000)),
  initrd: Buffer.from('an initrd\n'.repeat(100)),
  rootfs: Buffer.concat([Buffer.alloc(300_000), Buffer.from('a disk'), Buffer.alloc(748_570)]),
};

/** Makes an assets folder with tiny images, or with these. */
export function makeFakeAssets(folder: string, other: Partial<typeof CONTENTS> = {}): void {
  mkdirSync(folder, { recursive: true });
  const entries = Object.entries({ ...CONTENTS, ...other }).map(([name, contents]) => {
    const file = `${name}.zst`;
    writeFileSync(join(folder, file), zstdStored(contents));
    const sha256 = createHash('sha256').update(contents).digest('hex');
    return [name, { file, sha256, sizeBytes: contents.length, built: {} }];
  });
  const manifest = { formatVersion: 1, arch: 'x86_64', ...Object.fromEntries(entries) } as unknown;
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
}

const MAX_BLOCK_BYTES = 128 * 1024;

/** A zstd frame of uncompressed blocks (RFC 8878, 3.1.1): Node 20 has no encoder, and none is needed. */
export function zstdStored(contents: Buffer): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(contents.length));
  // Descriptor: single segment, an 8-byte content size.
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0]), size];
  for (let at = 0; at === 0 || at < contents.length; at += MAX_BLOCK_BYTES) {
    const block = contents.subarray(at, at + MAX_BLOCK_BYTES);
    const isLast = at + MAX_BLOCK_BYTES >= contents.length ? 1 : 0;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | isLast, 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}
