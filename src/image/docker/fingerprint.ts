import { createHash } from 'node:crypto';
import type { GuestArch } from '../../spec/guest-arch.ts';
import { canonicalJson } from './canonical-json.ts';
import type { ContextFact } from './context-files.ts';
import type { RootfsRecipe } from './rootfs-options.ts';

/** Everything on which the contents of a root file system depend. The backend and the kernel are not among it. */
export interface RootfsFingerprint {
  /** sha256 of `metadata`: 64 hexadecimal digits. */
  readonly key: string;
  /** JSON, keys in order. */
  readonly metadata: string;
}

/** Changes when images are made in another way. */
const SCHEMA_VERSION = 1;

/** The fingerprint of a recipe. Pure. */
export function rootfsFingerprint(
  recipe: Pick<RootfsRecipe, 'name' | 'dockerfile' | 'rootfsSizeMib' | 'buildArgs' | 'fingerprintInputs'>,
  platform: string,
  arch: GuestArch,
  context: readonly ContextFact[],
): RootfsFingerprint {
  const metadata = canonicalJson({
    schemaVersion: SCHEMA_VERSION,
    name: recipe.name,
    rootfsSizeMib: recipe.rootfsSizeMib,
    dockerPlatform: platform,
    arch,
    dockerfileSha256: sha256Hex(recipe.dockerfile),
    context,
    buildArgs: recipe.buildArgs,
    fingerprintInputs: recipe.fingerprintInputs,
  });
  if (metadata === undefined) throw new RangeError('the fingerprint of an image is too large');
  return { key: sha256Hex(metadata), metadata };
}

/** sha256 in hexadecimal. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
