import * as v from 'valibot';
import { ImageError } from '../../errors.ts';
import { imageConfigSchema, type ImageConfig } from '../../spec/image-config.ts';
import { BROKEN_HINT, checked, parseJson, type IndexPlatform } from './documents.ts';
import { digestSchema } from './digest.ts';

const texts = v.array(v.string('expected text'), 'expected a list of texts');

/** Go writes `null` for what is empty. What we do not use is not looked at. */
const processSchema = v.object({
  Env: v.nullish(texts, []),
  WorkingDir: v.nullish(v.string('expected a folder'), ''),
  User: v.nullish(v.string('expected a user'), ''),
  Entrypoint: v.nullish(texts, []),
  Cmd: v.nullish(texts, []),
  ExposedPorts: v.nullish(v.record(v.string(), v.unknown(), 'expected ports by name'), {}),
});

const configSchema = v.object({
  os: v.string('expected an operating system'),
  architecture: v.string('expected an architecture'),
  variant: v.nullish(v.string('expected a variant'), ''),
  created: v.nullish(v.pipe(v.string('expected a time'), v.maxLength(64, 'expected a time')), ''),
  rootfs: v.object({
    type: v.literal('layers', "expected 'layers'"),
    diff_ids: v.nullish(v.array(digestSchema, 'expected a list of digests'), []),
  }),
  config: v.nullish(processSchema, {}),
});

/** What the configuration of an OCI or Docker image says. */
export interface OciConfig {
  readonly platform: IndexPlatform;
  /** As the image says it, RFC 3339; not to be relied on. */
  readonly created: string | undefined;
  /** Digests of the uncompressed layers, the lowest first. */
  readonly diffIds: readonly string[];
  readonly image: ImageConfig;
}

/**
 * The bytes of an image's configuration → what we need of it.
 *
 * @param what - begins the messages
 * @throws {@link ImageError} for what is no configuration or passes a bound of {@link imageConfigSchema}
 */
export function parseOciConfig(bytes: Uint8Array, what: string): OciConfig {
  const document = checked(configSchema, parseJson(bytes, what), what);
  const { os, architecture, variant, created, rootfs, config } = document;
  const image = {
    env: variables(config.Env, what),
    workdir: config.WorkingDir,
    user: config.User,
    entrypoint: config.Entrypoint,
    cmd: config.Cmd,
    exposedPorts: Object.keys(config.ExposedPorts).map((port) => (port.includes('/') ? port : `${port}/tcp`)),
  };
  return {
    platform: { os, architecture, variant },
    created: created === '' ? undefined : created,
    diffIds: rootfs.diff_ids,
    image: checked(imageConfigSchema, image, what),
  };
}

/** `NAME=value` texts by name; of two with one name the later counts. Values are not shown: they may be secrets. */
function variables(entries: readonly string[], what: string): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry, index) => {
      const equals = entry.indexOf('=');
      if (equals < 1)
        throw new ImageError(`${what}: config.Env.${String(index)}: expected NAME=value`, {
          hint: BROKEN_HINT,
        });
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
