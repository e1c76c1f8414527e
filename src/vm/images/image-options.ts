import * as v from 'valibot';
import { ValidationError } from '../../errors.ts';
import { ENGINE_NAMES, type EngineName } from '../../image/docker/engine-names.ts';
import type { OnImageProgress } from '../../image/docker/image-progress.ts';
import type { RegistryCredentials } from '../../image/oci/credentials.ts';
import { PULL_POLICIES } from '../../spec/image-choice.ts';
import { accepted, checkWith, isRecord, kindOf, textRecord } from '../../spec/parse.ts';
import { DISK_SIZE_MIB, oneOf, pathSchema } from '../../spec/vm-fields.ts';

/** What anything that makes an image takes. */
export interface ImageOptions {
  /** Gives up; what was begun is removed, but for parts of layers, which the next pull goes on with. */
  readonly signal?: AbortSignal | undefined;
  /** Is told what is being done. */
  readonly onProgress?: OnImageProgress | undefined;
}

/** How an image becomes a file system. */
export interface MakeImageOptions extends ImageOptions {
  /** Size of the file system in MiB. Default: what is in it and room to work in. Disks of VMs can be larger. */
  readonly sizeMib?: number | undefined;
}

/** How an image is pulled. */
export interface PullOptions extends MakeImageOptions {
  /** Default: what `docker login` has kept. */
  readonly credentials?: RegistryCredentials | undefined;
}

/** From where an image is imported: one of these. */
export type ImportSource =
  /** A tar archive of a root file system: plain, gzip or zstd. */
  | { readonly path: string }
  /** A file of `docker save`, or an OCI layout in a tar archive; `reference` says which image, if it has several. */
  | { readonly archive: string; readonly reference?: string | undefined }
  /** A folder that holds a root file system. */
  | { readonly folder: string }
  /** An image of a container engine of this host. Nothing is pulled. */
  | { readonly engine: string; readonly engineName?: EngineName | undefined };

/** A Dockerfile to be built by a container engine of this host. */
export interface BuildSource {
  /** The build context. */
  readonly folder: string;
  /** The name that the image gets. */
  readonly name: string;
  /** Path of the Dockerfile. Default: `Dockerfile` in the folder. */
  readonly dockerfile?: string | undefined;
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** Default: the first that works. */
  readonly engine?: EngineName | undefined;
}

const sizeRule = 'expected a whole number of MiB from 1 to 4194304';
const sizeMib = v.optional(
  v.pipe(
    v.number(sizeRule),
    v.integer(sizeRule),
    v.minValue(1, sizeRule),
    v.maxValue(DISK_SIZE_MIB.highest, sizeRule),
  ),
);
const common = {
  signal: v.optional(v.instance(AbortSignal, 'expected an AbortSignal')),
  onProgress: v.optional(
    v.custom<OnImageProgress>((value) => typeof value === 'function', 'expected a function'),
  ),
};
const credentials = v.optional(
  v.custom<RegistryCredentials>((value) => isRecord(value), 'expected the credentials of a registry'),
);

export const pullOptionsSchema = v.strictObject({ ...common, sizeMib, credentials });
export const makeOptionsSchema = v.strictObject({ ...common, sizeMib });
const importSourceSchemas = {
  path: v.strictObject({ path: pathSchema }),
  folder: v.strictObject({ folder: pathSchema }),
  archive: v.strictObject({ archive: pathSchema, reference: v.optional(v.string('expected a name')) }),
  engine: v.strictObject({
    engine: v.string('expected the name of an image'),
    engineName: v.optional(oneOf(ENGINE_NAMES)),
  }),
};
export const buildSourceSchema = v.strictObject({
  folder: pathSchema,
  name: v.string('expected a name'),
  dockerfile: v.optional(pathSchema),
  buildArgs: v.optional(
    textRecord(
      v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an argument')),
      v.pipe(v.string('expected text'), v.regex(/^[^\u0000]*$/, 'expected text without NUL bytes')),
      'expected arguments by name',
    ),
    {},
  ),
  engine: v.optional(oneOf(ENGINE_NAMES)),
});
export const resolveOptionsSchema = v.strictObject({
  ...common,
  pull: v.optional(oneOf(PULL_POLICIES), 'missing'),
});
export const saveOptionsSchema = v.strictObject({
  ...common,
  overwrite: v.optional(v.boolean('expected true or false'), false),
});
export const loadOptionsSchema = v.strictObject({
  ...common,
  name: v.optional(v.string('expected a name')),
  overwrite: v.optional(v.boolean('expected true or false'), false),
});
export const removeOptionsSchema = v.strictObject({
  force: v.optional(v.boolean('expected true or false'), false),
});
export const pruneOptionsSchema = v.strictObject({
  signal: common.signal,
  dryRun: v.optional(v.boolean('expected true or false'), false),
});

/** Options of a caller without types → checked, with every problem at once. */
export function parseOptions<S extends v.GenericSchema>(
  schema: S,
  options: unknown,
  what: string,
): v.InferOutput<S> {
  if (!isRecord(options))
    throw new ValidationError(what, [`expected an object of options, received ${kindOf(options)}`]);
  return accepted(checkWith(schema, options), what);
}

/** Which of the sources it is, checked. */
export function parseImportSource(source: unknown): ImportSource {
  const what = 'images.import';
  const kinds = isRecord(source)
    ? (['path', 'folder', 'archive', 'engine'] as const).filter((kind) => kind in source)
    : [];
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1)
    throw new ValidationError(what, ['source: expected one of path, folder, archive and engine']);
  return parseOptions<v.GenericSchema<unknown, ImportSource>>(importSourceSchemas[kind], source, what);
}
