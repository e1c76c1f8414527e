import * as v from 'valibot';
import { ImageError } from '../../errors.ts';
import { imageConfigSchema, type ImageConfig } from '../../spec/image-config.ts';
import { checkWith, shown } from '../../spec/parse.ts';
import type { EngineName } from './engine-names.ts';

const words = v.nullish(v.array(v.string()), []);
const text = v.nullish(v.string(), '');

const processSchema = v.object({
  Env: words,
  WorkingDir: text,
  User: text,
  Entrypoint: words,
  Cmd: words,
  ExposedPorts: v.nullish(v.record(v.string(), v.unknown()), {}),
});

/** Docker and Podman describe a list of images, of which one was asked for. */
const dockerSchema = v.pipe(
  v.tuple([v.object({ Os: v.string(), Architecture: v.string(), Config: v.nullish(processSchema, {}) })]),
  v.transform(([image]) => ({ os: image.Os, arch: image.Architecture, config: image.Config })),
);

/** Buildah has it in a member, and in small letters. */
const buildahSchema = v.pipe(
  v.object({
    Docker: v.object({ os: v.string(), architecture: v.string(), config: v.nullish(processSchema, {}) }),
  }),
  v.transform(({ Docker: image }) => ({ os: image.os, arch: image.architecture, config: image.config })),
);

/**
 * What an engine says of an image → how its processes are meant to run. Pure.
 *
 * @throws ImageError if it is no description, or the image is for another system than our guests
 */
export function parseInspected(engine: EngineName, reference: string, output: string): ImageConfig {
  const where = `${engine} image ${reference}`;
  const described = checkWith(engine === 'buildah' ? buildahSchema : dockerSchema, jsonOf(output, where));
  if (!described.isGood)
    throw new ImageError(`the description of the ${where} is not one: ${described.problems.join('; ')}`);
  const { os, arch, config } = described.value;
  if (os !== 'linux' || arch !== 'amd64')
    throw new ImageError(`the ${where} is for ${shown(os)} on ${shown(arch)}; guests are linux on amd64`);
  const checked = checkWith(imageConfigSchema, {
    env: envOf(config.Env),
    workdir: config.WorkingDir,
    user: config.User,
    entrypoint: config.Entrypoint,
    cmd: config.Cmd,
    exposedPorts: Object.keys(config.ExposedPorts),
  });
  if (!checked.isGood) throw new ImageError(`the ${where} cannot be used: ${checked.problems.join('; ')}`);
  return checked.value;
}

function jsonOf(output: string, where: string): unknown {
  try {
    return JSON.parse(output);
  } catch (error) {
    throw new ImageError(`the description of the ${where} is no JSON`, { cause: error });
  }
}

/** `NAME=value` → by name; of two the last counts, and a name alone says nothing. */
function envOf(entries: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const at = entry.indexOf('=');
      return at < 1 ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
    }),
  );
}
