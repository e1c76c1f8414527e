import { ImageError } from '../../errors.ts';

/** Of a "newc" header: kernel, Documentation/driver-api/early-userspace/buffer-format.rst. */
const HEADER_BYTES = 110;
const MAX_ENTRIES = 1_000;
const MAX_NAME_BYTES = 4_096;

/**
 * The contents of one file of an initramfs archive ("newc", not compressed). Pure.
 *
 * @throws ImageError if it is not there, or this is no such archive
 */
export function readCpioFile(archive: Buffer, name: string): Buffer {
  let at = 0;
  for (let count = 0; count < MAX_ENTRIES; count += 1) {
    const header = archive.subarray(at, at + HEADER_BYTES).toString('latin1');
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) throw damaged('an entry has no header');
    const sizeBytes = field(header, 6);
    const nameBytes = field(header, 11);
    const nameAt = at + HEADER_BYTES;
    const contentsAt = aligned(nameAt + nameBytes);
    const end = contentsAt + sizeBytes;
    if (nameBytes < 1 || nameBytes > MAX_NAME_BYTES || end > archive.length) throw damaged('it is cut off');
    const found = archive.subarray(nameAt, nameAt + nameBytes - 1).toString('latin1');
    if (found === name) return archive.subarray(contentsAt, end);
    if (found === 'TRAILER!!!') break;
    at = aligned(end);
  }
  throw damaged(`it has no file ${name}`);
}

/** The n-th field of a header: 8 hexadecimal digits after the magic. */
function field(header: string, index: number): number {
  return Number.parseInt(header.slice(6 + 8 * index, 14 + 8 * index), 16);
}

function aligned(at: number): number {
  return (at + 3) & ~3;
}

function damaged(reason: string): ImageError {
  return new ImageError(`the initrd of smolvm cannot be read: ${reason}`, {
    hint: 'Install smolvm again, or in a clone: npm run assets:build',
  });
}
