import { createHash } from 'node:crypto';

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ROUNDS = 5_000;
const DIGEST_BYTES = 64;

/** Which bytes of the digest stand beside each other in the text: https://www.akkadia.org/drepper/SHA-crypt.txt, step 22. */
const TRIPLES = Array.from({ length: 21 }, (_, index) => {
  const [a, b, c] = [index, index + 21, index + 42] as const;
  return (
    ([[a, b, c] as const, [b, c, a] as const, [c, a, b] as const] as const)[index % 3] ?? ([a, b, c] as const)
  );
});

/**
 * The password's entry in `/etc/shadow`, `$6$SALT$HASH`, as crypt(3) makes it. Pure.
 *
 * @param salt - 1 to 16 characters of `./0-9A-Za-z`
 */
export function sha512Crypt(password: string, salt: string): string {
  const key = Buffer.from(password, 'utf8');
  const saltBytes = Buffer.from(salt, 'latin1');
  const first = firstDigest(key, saltBytes);
  const p = repeated(sha512(...Array.from(key, () => key)), key.length);
  const s = repeated(
    sha512(...Array.from({ length: 16 + byteAt(first, 0) }, () => saltBytes)),
    saltBytes.length,
  );
  let digest = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    digest = sha512(
      round % 2 === 1 ? p : digest,
      ...(round % 3 === 0 ? [] : [s]),
      ...(round % 7 === 0 ? [] : [p]),
      round % 2 === 1 ? digest : p,
    );
  }
  return `$6$${salt}$${encoded(digest)}`;
}

/** Digest A of the specification, steps 1 to 12. */
function firstDigest(key: Buffer, salt: Buffer): Buffer {
  const b = sha512(key, salt, key);
  const parts = [key, salt, repeated(b, key.length)];
  for (let length = key.length; length > 0; length >>= 1) parts.push(length % 2 === 1 ? b : key);
  return sha512(...parts);
}

function sha512(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The digest again and again, cut to a length. */
function repeated(digest: Buffer, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, digest);
}

function encoded(digest: Buffer): string {
  const triples = TRIPLES.map(([high, middle, low]) =>
    sixBits((byteAt(digest, high) << 16) | (byteAt(digest, middle) << 8) | byteAt(digest, low), 4),
  );
  return triples.join('') + sixBits(byteAt(digest, DIGEST_BYTES - 1), 2);
}

/** The lowest bits first. */
function sixBits(value: number, count: number): string {
  return Array.from({ length: count }, (_, index) => ALPHABET.charAt((value >> (6 * index)) & 63)).join('');
}

function byteAt(bytes: Buffer, at: number): number {
  return bytes.readUInt8(at);
}
