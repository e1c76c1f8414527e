import { LayerProblem } from '../layer-problem.ts';

export const BLOCK_BYTES = 512;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** The 512 bytes before an entry's contents, decoded. Names are one character a byte. */
export interface TarHeader {
  readonly name: string;
  readonly typeflag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkName: string;
  readonly devMajor: number;
  readonly devMinor: number;
}

/** A header block, or null for the block of zeros that ends an archive. */
export function decodeHeader(block: Buffer): TarHeader | null {
  if (block.equals(ZEROS)) return null;
  requireChecksum(block);
  const name = text(block, 0, 100);
  const prefix = prefixOf(block);
  const number = (what: string, at: number, length: number): number =>
    decodeNumber(block.subarray(at, at + length), what);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    typeflag: String.fromCharCode(block.readUInt8(156)),
    mode: number('mode', 100, 8),
    uid: number('owner', 108, 8),
    gid: number('group', 116, 8),
    sizeBytes: natural(number('size', 124, 12), 'size'),
    mtimeSeconds: number('time', 136, 12),
    linkName: text(block, 157, 100),
    devMajor: number('device number', 329, 8),
    devMinor: number('device number', 337, 8),
  };
}

/** A whole number that is not negative. */
export function natural(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new LayerProblem(`its ${what} is ${value}`);
}

/** The sum of all bytes, those of the sum itself as spaces. Some old programs took the bytes as signed. */
function requireChecksum(block: Buffer): void {
  const at = 148;
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < BLOCK_BYTES; index += 1) {
    const counted = index >= at && index < at + 8 ? 0x20 : block.readUInt8(index);
    unsigned += counted;
    signed += counted > 127 ? counted - 256 : counted;
  }
  const told = decodeNumber(block.subarray(at, at + 8), 'checksum');
  if (told !== unsigned && told !== signed) throw new LayerProblem('the checksum of a header is wrong');
}

/** POSIX archives keep the begin of a long name here; GNU's keep times, and star's less of the name. */
function prefixOf(block: Buffer): string {
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return '';
  const isStar = block.toString('latin1', 508, 512) === 'tar\0';
  return text(block, 345, isStar ? 131 : 155);
}

function text(block: Buffer, at: number, maxBytes: number): string {
  const field = block.subarray(at, at + maxBytes);
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end < 0 ? maxBytes : end);
}

/** Octal digits, or GNU's binary form: the highest bit set, then a number of two's complement. */
function decodeNumber(field: Buffer, what: string): number {
  const first = field.readUInt8(0);
  if ((first & 0x80) !== 0) return decodeBinary(field, what);
  const digits = field.toString('latin1').replace(/^[ \0]+|[ \0].*$/gs, '');
  if (!/^[0-7]*$/.test(digits)) throw new LayerProblem(`its ${what} is no number`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function decodeBinary(field: Buffer, what: string): number {
  const isNegative = (field.readUInt8(0) & 0x40) !== 0;
  let value = BigInt((field.readUInt8(0) & 0x7f) - (isNegative ? 0x80 : 0));
  for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new LayerProblem(`its ${what} is too large`);
  return number;
}
