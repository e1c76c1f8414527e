import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { ImageError } from '../errors.ts';
import { parseWith } from '../spec/parse.ts';

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected a sha256 in hexadecimal'));
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** One shipped file: zstd-compressed; digest and size are those of its contents. */
const assetSchema = v.strictObject({
  file: v.pipe(
    v.string(),
    v.regex(/^[a-z0-9][a-z0-9.-]*\.zst$/, 'expected a plain file name ending in .zst'),
  ),
  sha256,
  sizeBytes: size,
  /** How it was made: versions, digests of inputs. For people and for `assets:verify`. */
  built: v.record(v.string(), v.string()),
});

const manifestSchema = v.strictObject({
  formatVersion: v.literal(1),
  arch: v.picklist(['x86_64', 'aarch64']),
  kernel: assetSchema,
  initrd: assetSchema,
  rootfs: assetSchema,
});

export type Asset = v.InferOutput<typeof assetSchema>;
export type AssetManifest = v.InferOutput<typeof manifestSchema>;

const REBUILD_HINT = 'Install smolvm again, or in a clone: npm run assets:build';

/** Reads `manifest.json` of an assets folder. */
export function readManifest(folder: string): AssetManifest {
  const path = join(folder, 'manifest.json');
  try {
    return parseWith(manifestSchema, JSON.parse(readFileSync(path, 'utf8')), path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImageError(`the assets of smolvm cannot be used: ${reason}`, {
      hint: REBUILD_HINT,
      cause: error,
    });
  }
}
