import { createHash, type Hash } from 'node:crypto';
import * as v from 'valibot';

const DIGEST_PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** `sha256:` or `sha512:` and lowercase hexadecimal. Becomes a file name and a part of a URL. */
export const digestSchema = v.pipe(
  v.string('expected a digest'),
  v.regex(DIGEST_PATTERN, 'expected a sha256 or sha512 digest'),
);

/** Is it a digest of an algorithm that we accept? */
export function isDigest(text: string): boolean {
  return DIGEST_PATTERN.test(text);
}

/** The two halves of a digest: algorithm and hexadecimal. */
export function splitDigest(digest: string): { readonly algorithm: string; readonly hex: string } {
  const [algorithm = '', hex = ''] = digest.split(':');
  return { algorithm, hex };
}

/** Hashes what is fed to it with the algorithm of an expected digest. */
export class DigestCheck {
  readonly expected: string;
  readonly #algorithm: string;
  readonly #hash: Hash;

  constructor(expected: string) {
    this.expected = expected;
    this.#algorithm = splitDigest(expected).algorithm;
    this.#hash = createHash(this.#algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** Ends the hashing: the digest of what came. */
  found(): string {
    return `${this.#algorithm}:${this.#hash.digest('hex')}`;
  }
}

/** The digest of bytes in memory, with the algorithm of another digest. */
export function digestOf(bytes: Uint8Array, like = 'sha256:'): string {
  const check = new DigestCheck(like);
  check.update(bytes);
  return check.found();
}
