/** Of each byte, the reflected Castagnoli polynomial. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f6_3b78;
  return crc;
});

/** What ext4 starts its checksums with. */
export const CRC_START = 0xffff_ffff;

/** CRC-32C of ext4, that is without the inversion at its end; `crc` is that of the bytes before. */
export function crc32c(crc: number, bytes: Uint8Array): number {
  let sum = crc;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  return sum >>> 0;
}

/** The same of a number of 32 bits, lowest byte first. */
export function crc32cOfNumber(crc: number, value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return crc32c(crc, bytes);
}
