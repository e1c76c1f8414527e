import * as v from 'valibot';
import { ImageError, isSmolVMError } from '../../errors.ts';
import { isRecord, parseWith, shown } from '../../spec/parse.ts';
import { digestSchema } from './digest.ts';

/** The most that a manifest, index or configuration may have. */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
/** More than any layer has; keeps sums of sizes exact. */
const MAX_BLOB_BYTES = 2 ** 44;
const MAX_LAYERS = 512;
const MAX_INDEX_ENTRIES = 1_024;

const INDEX_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const MANIFEST_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]);
const CONFIG_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
/** How a layer is compressed is seen from its bytes, so of its type it matters only that it is a tar that we may have. */
const LAYER_TYPE_PATTERN =
  /^application\/vnd\.(?:oci\.image\.layer\.v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.diff\.tar(?:\.gzip|\.zstd)?)$/;

/** What we ask registries for. */
export const ACCEPTED_TYPES = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');

const mediaTypeSchema = v.pipe(
  v.string('expected a media type'),
  v.maxLength(255, 'expected a shorter media type'),
);

const sizeSchema = v.pipe(
  v.number('expected a size'),
  v.safeInteger('expected a whole number of bytes'),
  v.minValue(0, 'expected a size of at least 0'),
  v.maxValue(MAX_BLOB_BYTES, 'expected a smaller size'),
);

const word = v.pipe(v.string('expected text'), v.maxLength(255, 'expected shorter text'));

const platformSchema = v.object({ os: word, architecture: word, variant: v.nullish(word, '') });

const descriptorSchema = v.object({
  mediaType: mediaTypeSchema,
  digest: digestSchema,
  size: sizeSchema,
  urls: v.nullish(v.array(v.string()), []),
  platform: v.nullish(platformSchema, null),
  annotations: v.nullish(v.record(v.string(), v.string()), {}),
});

const indexSchema = v.object({
  manifests: v.pipe(
    v.array(descriptorSchema, 'expected a list of manifests'),
    v.maxLength(MAX_INDEX_ENTRIES, `expected at most ${String(MAX_INDEX_ENTRIES)} manifests`),
  ),
});

const manifestSchema = v.object({
  config: descriptorSchema,
  layers: v.pipe(
    v.array(descriptorSchema, 'expected a list of layers'),
    v.maxLength(MAX_LAYERS, `expected at most ${String(MAX_LAYERS)} layers`),
  ),
});

/** What a document says of another blob. */
export type Descriptor = v.InferOutput<typeof descriptorSchema>;
export type IndexPlatform = v.InferOutput<typeof platformSchema>;
export type ImageManifest = v.InferOutput<typeof manifestSchema>;

/** What a tag or digest can name. */
export type ImageDocument =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'manifest'; readonly manifest: ImageManifest };

/**
 * The bytes of an index or manifest → what they say.
 *
 * @param what - begins the messages: "the manifest sha256:… "
 * @throws {@link ImageError} for what is neither, or is both: two readers must not see two images in one document
 */
export function parseImageDocument(bytes: Uint8Array, what: string): ImageDocument {
  const json = parseJson(bytes, what);
  if (!isRecord(json)) throw invalid(what, 'expected an object');
  const { schemaVersion, mediaType } = json;
  if (schemaVersion === 1)
    throw new ImageError(`${what} has the format "schema 1", which Docker gave up in 2017`, {
      hint: 'Push the image again with a present Docker, podman or buildah.',
    });
  if (schemaVersion !== 2) throw invalid(what, `expected schemaVersion 2, received ${shown(schemaVersion)}`);
  const isIndex = 'manifests' in json;
  if (isIndex === ('layers' in json || 'config' in json))
    throw invalid(what, 'expected either a list of manifests, or a configuration and layers');
  if (mediaType !== undefined && !isOneOf(isIndex ? INDEX_TYPES : MANIFEST_TYPES, mediaType))
    throw invalid(what, `its media type does not fit its contents: ${shown(mediaType)}`);
  if (isIndex) return { kind: 'index', manifests: checked(indexSchema, json, what).manifests };
  return { kind: 'manifest', manifest: checkedManifest(checked(manifestSchema, json, what), what) };
}

function isOneOf(types: ReadonlySet<string>, value: unknown): boolean {
  return typeof value === 'string' && types.has(value);
}

/** The JSON of untrusted bytes. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ImageError(`${what} is not JSON`, { hint: BROKEN_HINT, cause: error });
  }
}

/** {@link parseWith} for documents of images: code `IMAGE_INVALID`. */
export function checked<S extends v.GenericSchema>(schema: S, json: unknown, what: string): v.InferOutput<S> {
  try {
    return parseWith(schema, json, what);
  } catch (error) {
    if (!isSmolVMError(error, 'INVALID_ARGUMENT')) throw error;
    throw new ImageError(error.message, { hint: BROKEN_HINT, details: error.details, cause: error });
  }
}

/** What to do about an image that nobody could use. */
export const BROKEN_HINT = 'The image is broken, or is none: check its name, or push it again.';

function checkedManifest(manifest: ImageManifest, what: string): ImageManifest {
  if (!CONFIG_TYPES.has(manifest.config.mediaType))
    throw new ImageError(
      `${what} is no image: its configuration is of type ${shown(manifest.config.mediaType)}`,
      {
        hint: 'Registries hold other things too, such as charts and signatures. Check the name.',
      },
    );
  for (const { mediaType, urls } of manifest.layers) {
    if (/foreign|nondistributable/.test(mediaType) || urls.length > 0)
      throw new ImageError(`${what} has a layer that its registry does not hold ("foreign layer")`, {
        hint: 'Build the image on a base whose layers may be distributed.',
      });
    if (!LAYER_TYPE_PATTERN.test(mediaType))
      throw new ImageError(`${what} has a layer of the unknown type ${shown(mediaType)}`, {
        hint: 'Encrypted and special layers cannot be used; push the image with ordinary ones.',
      });
  }
  return manifest;
}

function invalid(what: string, problem: string): ImageError {
  return new ImageError(`${what}: ${problem}`, { hint: BROKEN_HINT });
}
