import * as v from 'valibot';
import { accepted, checkWith, isRecord, kindOf, NOT_SHOWN } from '../../spec/parse.ts';
import { ValidationError } from '../../errors.ts';
import type { EngineName } from './engine-names.ts';
import type { OnImageProgress } from './image-progress.ts';
import { cacheDir, engine, imageName, sizeMib } from './rootfs-options.ts';

/** How images are built and where they are kept. */
export interface ImageBuilderOptions {
  /** Default: `SMOLVM_IMAGE_DIR`, or `~/.smolvm/images`. */
  readonly cacheDir?: string | undefined;
  /** `docker`, `podman` or `buildah`. Default: the first that works. */
  readonly engine?: EngineName | undefined;
}

/** What every SSH image can be made with. */
export interface SshImageOptions {
  /** Names the folder in the cache. */
  readonly name?: string | undefined;
  /** MiB of the file system. Default 512 for Alpine, 2,048 for Debian. */
  readonly rootfsSizeMib?: number | undefined;
  /** Default `alpine:3.19` or `debian:bookworm-slim`. Another one must be of the same distribution. */
  readonly baseImage?: string | undefined;
  /** Where packages come from instead of the distribution's own server, such as `http://mirror.example/debian`. */
  readonly mirror?: string | undefined;
  /** Gives up; what was begun is removed. */
  readonly signal?: AbortSignal | undefined;
  /** Is told what the build does. */
  readonly onProgress?: OnImageProgress | undefined;
}

/** Folders that the cache uses itself. */
const RESERVED_NAMES = new Set(['custom']);

const schema = v.strictObject({
  name: v.optional(
    v.pipe(
      imageName,
      v.check((name) => !RESERVED_NAMES.has(name), 'expected a name that the cache does not use itself'),
    ),
  ),
  rootfsSizeMib: v.optional(sizeMib),
  baseImage: v.optional(v.string('expected the name of an image')),
  mirror: v.optional(v.string('expected an address')),
  signal: v.optional(v.instance(AbortSignal, 'expected an AbortSignal')),
  onProgress: v.optional(
    v.custom<OnImageProgress>((value) => typeof value === 'function', 'expected a function'),
  ),
});

const passwordRule = 'expected a password of 1 to 512 bytes without control characters';
const passwordSchema = v.optional(
  v.pipe(
    v.string(passwordRule),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const isGood =
        /^[^\u0000-\u001f\u007f]+$/.test(dataset.value) && Buffer.byteLength(dataset.value) <= 512;
      if (!isGood) addIssue({ message: passwordRule, input: NOT_SHOWN });
    }),
  ),
);

/** Options of a build with the defaults of its distribution. Every problem at once; a password is never shown. */
export function parseSshImageOptions(
  options: unknown,
  usual: { readonly name: string; readonly baseImage: string; readonly rootfsSizeMib: number },
  password: unknown,
) {
  const what = `image '${usual.name}'`;
  if (!isRecord(options))
    throw new ValidationError(what, [`expected an object of options, received ${kindOf(options)}`]);
  const badPassword = checkWith(v.object({ sshPassword: passwordSchema }), {
    sshPassword: password,
  }).problems;
  const given = accepted(checkWith(schema, options), what, badPassword);
  return {
    name: given.name ?? usual.name,
    rootfsSizeMib: given.rootfsSizeMib ?? usual.rootfsSizeMib,
    baseImage: given.baseImage ?? usual.baseImage,
    mirror: given.mirror,
    signal: given.signal,
    onProgress: given.onProgress,
  };
}

const builderSchema = v.strictObject({ cacheDir, engine });

/** Options of a builder, checked. */
export function parseBuilderOptions(options: unknown): ImageBuilderOptions {
  const what = 'ImageBuilder';
  if (!isRecord(options))
    throw new ValidationError(what, [`expected an object of options, received ${kindOf(options)}`]);
  return accepted(checkWith(builderSchema, options), what);
}
