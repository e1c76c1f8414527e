import { createHash } from 'node:crypto';
import { SmolVMError } from '../../errors.ts';
import type { ImageConfig } from '../../spec/image-config.ts';
import { canonicalJson } from '../docker/canonical-json.ts';

/** Grows when the same layers become another file system: images of an earlier builder are then made again. */
const BUILDER_VERSION = 1;

/** What makes the contents of an image. */
export interface KeyFacts {
  /** Of the manifest, of the archive's bytes or of the file system itself. */
  readonly digest: string;
  /** As asked for; null: chosen by what is in it. */
  readonly sizeMib: number | null;
  readonly config: ImageConfig;
}

/** The key of an image: who knows what it is made of, knows its name. Pure. */
export function imageKey({ digest, sizeMib, config }: KeyFacts): string {
  const text = canonicalJson({ builder: BUILDER_VERSION, digest, sizeMib, config });
  if (text === undefined) throw new SmolVMError('INTERNAL', 'the facts of an image are no JSON');
  return createHash('sha256').update(text).digest('hex');
}
