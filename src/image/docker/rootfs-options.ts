import * as v from 'valibot';
import { accepted, checkWith, isRecord, kindOf, textRecord } from '../../spec/parse.ts';
import { DISK_SIZE_MIB } from '../../spec/vm-fields.ts';
import { canonicalJson } from './canonical-json.ts';
import { checkContext, type ContextEntry, type ContextFile } from './context.ts';
import { ENGINE_NAMES, type EngineName } from './engine-names.ts';

/** What a root file system is built from. */
export interface DockerRootfsOptions {
  /** Names the folder in the cache: letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** The text of the Dockerfile. */
  readonly dockerfile: string;
  /** Files for `COPY` and `ADD`, by relative path. A text is a file's contents; a file of this host is `{path}`. */
  readonly context?: Readonly<Record<string, ContextEntry>> | undefined;
  /** MiB of the file system. Default 512. */
  readonly rootfsSizeMib?: number | undefined;
  /** Where images are kept. Default: `SMOLVM_IMAGE_DIR`, or `~/.smolvm/images`. */
  readonly cacheDir?: string | undefined;
  /** JSON values that count for the cache: another value is another image. */
  readonly fingerprintInputs?: Readonly<Record<string, unknown>> | undefined;
  /** For `ARG` of the Dockerfile. They are no place for secrets: other users of this host can see them. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** Such as `linux/amd64`. Default: of the architecture that is asked for. */
  readonly dockerPlatform?: string | undefined;
  /** Does the image start SSH and accept the credentials that a VM gets? Default false. */
  readonly sshCapable?: boolean | undefined;
  /** `docker`, `podman` or `buildah`. Default: the first that works. */
  readonly engine?: EngineName | undefined;
}

/** The same, checked. */
export interface RootfsRecipe {
  readonly name: string;
  readonly dockerfile: string;
  readonly files: readonly ContextFile[];
  readonly rootfsSizeMib: number;
  readonly cacheDir: string | undefined;
  readonly fingerprintInputs: Readonly<Record<string, unknown>>;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly dockerPlatform: string | undefined;
  readonly sshCapable: boolean;
  readonly engine: EngineName | undefined;
}

const MAX_DOCKERFILE_BYTES = 1024 * 1024;
const MAX_FINGERPRINT_CHARS = 1024 * 1024;
const MAX_BUILD_ARGS = 1_000;
const MAX_BUILD_ARG_BYTES = 64 * 1024;

/** What may be the name of an image: it becomes a folder. */
export const imageName = v.pipe(
  v.string('expected a name'),
  v.trim(),
  v.regex(/^[A-Za-z0-9_.-]{1,128}$/, 'expected 1 to 128 letters, digits, `.`, `_` and `-`'),
  v.check((name) => name !== '.' && name !== '..', 'expected a name that is no `.` or `..`'),
);

const sizeMessage = `expected a whole number from ${String(DISK_SIZE_MIB.lowest)} to ${String(DISK_SIZE_MIB.highest)}`;

/** MiB of a file system. */
export const sizeMib = v.pipe(
  v.number(sizeMessage),
  v.integer(sizeMessage),
  v.minValue(DISK_SIZE_MIB.lowest, sizeMessage),
  v.maxValue(DISK_SIZE_MIB.highest, sizeMessage),
);

/** A folder of the user; `~` is the home folder. */
export const cacheDir = v.optional(
  v.pipe(
    v.string('expected a path'),
    v.regex(/^[^\u0000]*\S[^\u0000]*$/, 'expected a path that is not empty'),
  ),
);

/** An engine by name. */
export const engine = v.optional(v.picklist(ENGINE_NAMES, `expected one of ${ENGINE_NAMES.join(', ')}`));

const dockerfileText = v.pipe(
  v.string('expected the text of a Dockerfile'),
  v.regex(/\S/, 'expected a Dockerfile that is not blank'),
  v.maxBytes(MAX_DOCKERFILE_BYTES, `expected at most ${String(MAX_DOCKERFILE_BYTES)} bytes`),
);

const buildArgs = v.pipe(
  textRecord(
    v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an argument')),
    v.pipe(
      v.string('expected text'),
      v.regex(/^[^\u0000]*$/, 'expected text without NUL'),
      v.maxBytes(MAX_BUILD_ARG_BYTES, `expected at most ${String(MAX_BUILD_ARG_BYTES)} bytes`),
    ),
    'expected arguments by name',
  ),
  v.check(
    (given) => Object.keys(given).length <= MAX_BUILD_ARGS,
    `expected at most ${String(MAX_BUILD_ARGS)} arguments`,
  ),
);

const fingerprintInputs = v.custom<Readonly<Record<string, unknown>>>(
  (value) => isRecord(value) && (canonicalJson(value)?.length ?? Infinity) <= MAX_FINGERPRINT_CHARS,
  'expected an object of JSON values, at most 1 MiB',
);

const optionsSchema = v.strictObject({
  name: imageName,
  dockerfile: dockerfileText,
  context: v.optional(v.unknown()),
  rootfsSizeMib: v.optional(sizeMib, 512),
  cacheDir,
  fingerprintInputs: v.optional(fingerprintInputs, {}),
  buildArgs: v.optional(buildArgs, {}),
  dockerPlatform: v.optional(
    v.pipe(
      v.string('expected a platform'),
      v.regex(/^[a-z0-9]+(?:\/[a-z0-9._-]+){1,2}$/, 'expected a platform such as linux/amd64'),
    ),
  ),
  sshCapable: v.optional(v.boolean('expected true or false'), false),
  engine,
});

/** Options → recipe, or every problem at once. Looks at no file. Pure. */
export function parseRootfsOptions(options: unknown): RootfsRecipe {
  const what = 'DockerRootfsBuilder';
  const context = checkContext(isRecord(options) ? options['context'] : undefined);
  const checked = isRecord(options)
    ? checkWith(optionsSchema, options)
    : ({ isGood: false, problems: [`expected an object of options, received ${kindOf(options)}`] } as const);
  const { name, dockerfile, ...given } = accepted(checked, what, context.problems);
  return {
    name,
    dockerfile,
    files: context.files,
    rootfsSizeMib: given.rootfsSizeMib,
    cacheDir: given.cacheDir,
    fingerprintInputs: given.fingerprintInputs,
    buildArgs: given.buildArgs,
    dockerPlatform: given.dockerPlatform,
    sshCapable: given.sshCapable,
    engine: given.engine,
  };
}
