import { ValidationError } from '../../errors.ts';
import { shown } from '../../spec/parse.ts';
import { formatReference, parseReference } from '../oci/reference.ts';

/** What stands before the names of official images; people leave it out. */
const USUAL = ['docker.io/library/', 'docker.io/'];

/**
 * A name as it is stored: written in full, so that `python` and `docker.io/library/python:latest` are one image. Names of
 * one's own follow the same rules.
 *
 * @throws ValidationError (`INVALID_ARGUMENT`)
 */
export function canonicalName(name: unknown): string {
  return formatReference(parseReference(name));
}

/** The same for an image that is made here: a digest says what is in an image, so nobody can choose one. */
export function ownName(name: unknown): string {
  const reference = parseReference(name);
  if (reference.digest === undefined) return formatReference(reference);
  throw new ValidationError('name of an image', [
    `expected a name without a digest, received ${shown(name)}`,
  ]);
}

/** A stored name as people write it: `python:3.12`. */
export function shortName(canonical: string): string {
  const prefix = USUAL.find((one) => canonical.startsWith(one)) ?? '';
  const short = canonical.slice(prefix.length);
  // Without its prefix a name must still mean the same.
  return canonicalName(short) === canonical ? short : canonical;
}
