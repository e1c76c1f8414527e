import * as v from 'valibot';
import { imageConfigSchema, type ImageConfig } from '../../spec/image-config.ts';

/** From where an image came. */
export const SOURCE_KINDS = ['registry', 'archive', 'folder', 'engine', 'build', 'saved'] as const;

const MAX_ORIGIN_CHARS = 4_096;
const MAX_BLOBS = 1_024;

const digest = v.pipe(
  v.string(),
  v.regex(/^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/, 'expected a digest'),
);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const time = v.pipe(v.string(), v.isoTimestamp('expected a time in ISO 8601'));

export const recordFields = {
  formatVersion: v.literal(1),
  key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected a key')),
  source: v.strictObject({
    kind: v.picklist(SOURCE_KINDS),
    /** A reference, or a path of the host that imported it: for people. */
    origin: v.pipe(v.string(), v.maxLength(MAX_ORIGIN_CHARS)),
    digest,
  }),
  arch: v.picklist(['amd64', 'arm64']),
  config: imageConfigSchema,
  /** The file system: its length, what is in its files, and how many names it has. */
  sizeBytes: v.pipe(count, v.minValue(1)),
  contentBytes: count,
  entryCount: count,
  /** What of the blobs it was made of. */
  blobs: v.pipe(v.array(digest), v.maxLength(MAX_BLOBS)),
  createdAt: time,
};

/** `image.json`: what an image is. */
export const imageRecordSchema = v.strictObject(recordFields);

/** What is stored of an image. */
export type ImageRecord = Readonly<Omit<v.InferOutput<typeof imageRecordSchema>, 'config' | 'blobs'>> & {
  readonly config: ImageConfig;
  readonly blobs: readonly string[];
};

/** What is stored of a name. */
export const nameRecordSchema = v.strictObject({
  formatVersion: v.literal(1),
  /** As `canonicalName` makes it. */
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1_024)),
  key: recordFields.key,
  /** What its registry said that it is, when it was last asked; null for a name of one's own. */
  remoteDigest: v.nullable(digest),
  updatedAt: time,
});

/** A name and what it stands for. */
export type NameRecord = Readonly<v.InferOutput<typeof nameRecordSchema>>;
