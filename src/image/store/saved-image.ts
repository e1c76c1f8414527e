import * as v from 'valibot';
import type { ImageConfig } from '../../spec/image-config.ts';
import { recordFields } from './image-record.ts';

/** The members of a saved image, in this order. */
export const MANIFEST = 'manifest.json';
export const RECORD = 'image.json';
export const ROOTFS = 'rootfs.ext4.gz';

/** No image of ours has more; see the bound of VM disks. */
const MAX_IMAGE_BYTES = 4 * 1024 ** 4;

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected a sha256 in hexadecimal'));
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_IMAGE_BYTES));
const member = <const P extends string>(path: P) =>
  v.strictObject({ path: v.literal(path, `expected ${path}`), sizeBytes: bytes, sha256 });

/** `manifest.json` of a saved image: it is read first and says what must come. */
export const savedManifestSchema = v.strictObject({
  schema: v.literal(1, 'expected 1, the only schema that is known here'),
  files: v.strictTuple([member(RECORD), member(ROOTFS)]),
  /** What the compressed file system unpacks to. */
  rootfs: v.strictObject({ sizeBytes: bytes, sha256 }),
});

export type SavedManifest = v.InferOutput<typeof savedManifestSchema>;

/** `image.json` of a saved image. What it says of its origin is for people; the key is made anew. */
export const savedRecordSchema = v.strictObject({
  formatVersion: v.literal(1),
  /** Under which it was saved. */
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1_024)),
  source: recordFields.source,
  arch: recordFields.arch,
  config: recordFields.config,
  contentBytes: recordFields.contentBytes,
  entryCount: recordFields.entryCount,
  createdAt: recordFields.createdAt,
});

export type SavedRecord = Omit<Readonly<v.InferOutput<typeof savedRecordSchema>>, 'config'> & {
  readonly config: ImageConfig;
};
