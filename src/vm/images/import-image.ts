import { resolve } from 'node:path';
import { statSync } from 'node:fs';
import { Cleanup } from '../../base/cleanup.ts';
import { Deadline } from '../../base/deadline.ts';
import { escapeText } from '../../base/escape-text.ts';
import { regularFileProblem } from '../../base/regular-file.ts';
import { ImageError, toSmolVMError, ValidationError } from '../../errors.ts';
import { buildFolder } from '../../image/docker/build-folder.ts';
import { findEngine } from '../../image/docker/engine.ts';
import { exportEngineImage } from '../../image/docker/export-image.ts';
import { readImageArchive } from '../../image/oci/read-archive.ts';
import { archiveLayer } from '../../image/rootfs/archive-layer.ts';
import { buildRootfs } from '../../image/rootfs/build-rootfs.ts';
import { folderLayer } from '../../image/rootfs/folder-layer.ts';
import type { Layer } from '../../image/rootfs/layer.ts';
import { hashedLayers } from '../../image/store/hashed-layer.ts';
import { imageKey } from '../../image/store/image-key.ts';
import { ownName, shortName } from '../../image/store/image-name.ts';
import type { ImageRecord } from '../../image/store/image-record.ts';
import { makeEntry, type MakeHow } from '../../image/store/make-entry.ts';
import { making } from '../../image/store/makers.ts';
import { EMPTY_IMAGE_CONFIG, type ImageConfig } from '../../spec/image-config.ts';
import type { Services } from '../services.ts';
import type { BuildSource, ImportSource, MakeImageOptions } from './image-options.ts';
import { makeHow, ownArch } from './store-context.ts';
import { nameImage, type NamedImage } from './stored-image.ts';

/** Files that become an image, and how its processes are meant to run. */
interface Contents {
  readonly kind: ImageRecord['source']['kind'];
  readonly origin: string;
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

type Gather = (how: ReturnType<typeof makeHow>, undo: Cleanup) => Promise<Contents>;

/** Makes an image of an archive, a folder or an image of an engine. */
export async function importNamedImage(
  services: Services,
  source: ImportSource,
  name: unknown,
  options: MakeImageOptions,
): Promise<NamedImage> {
  return makeNamed(services, ownName(name), options, (how, undo) => contentsOf(services, source, how, undo));
}

/** Lets an engine build a Dockerfile, and makes an image of what comes of it. */
export async function buildNamedImage(
  services: Services,
  source: BuildSource,
  options: MakeImageOptions,
): Promise<NamedImage> {
  const folder = resolve(source.folder);
  requireFolder(folder);
  const dockerfile = resolve(source.dockerfile ?? `${folder}/Dockerfile`);
  const problem = regularFileProblem(dockerfile);
  if (problem !== undefined)
    throw new ImageError(`no Dockerfile to build: ${problem}`, { details: { dockerfile } });
  return makeNamed(services, ownName(source.name), options, async ({ signal, tell }, undo) => {
    const onOutput = (output: string): void => {
      tell({ step: 'build', output });
    };
    const choice = { engine: source.engine, env: services.userEnv };
    const engine = await findEngine(choice, signal);
    const build = { folder, dockerfile, buildArgs: source.buildArgs ?? {}, platform: `linux/${ownArch()}` };
    const { reference } = await buildFolder(engine, build, undo, { signal, onOutput });
    const own = { engine: engine.name, env: services.userEnv };
    const image = await exportEngineImage(own, reference, undo, { signal, onOutput });
    return { kind: 'build', origin: dockerfile, ...image };
  });
}

async function makeNamed(
  services: Services,
  name: string,
  {
    sizeMib = null,
    signal,
    onProgress,
  }: Omit<MakeImageOptions, 'sizeMib'> & { sizeMib?: number | null | undefined },
  gather: Gather,
): Promise<NamedImage> {
  using deadline = new Deadline(`make the image '${shortName(name)}'`, Infinity, signal);
  const how = makeHow(services, deadline.signal, onProgress);
  return await making(how.store, deadline.signal, async () => {
    const undo = new Cleanup();
    try {
      const contents = await gather(how, undo);
      const entry = await makeEntry(how, (path) => fill(how, contents, sizeMib, path));
      const named = await nameImage(how.store, { name, entry }, null);
      await undo.run();
      return named;
    } catch (error) {
      await undo.run();
      how.signal.throwIfAborted();
      throw toSmolVMError(error, `make the image '${shortName(name)}'`);
    }
  });
}

/** Writes the file system; its key is known when all has been read. */
async function fill(
  how: MakeHow & Pick<ReturnType<typeof makeHow>, 'tell'>,
  { kind, origin, layers, config }: Contents,
  sizeMib: number | null,
  path: string,
) {
  const hashed = hashedLayers(layers);
  const built = await buildRootfs({
    layers: hashed.layers,
    sizeMib,
    path,
    signal: how.signal,
    onProgress: how.tell,
  });
  const digest = hashed.digest();
  const source = { kind, origin: origin.slice(0, 4_096), digest };
  const { contentBytes, entryCount } = built;
  const key = imageKey({ digest, sizeMib, config });
  return { key, source, arch: ownArch(), config, contentBytes, entryCount, blobs: [] };
}

async function contentsOf(
  services: Services,
  source: ImportSource,
  { signal, tell }: ReturnType<typeof makeHow>,
  undo: Cleanup,
): Promise<Contents> {
  const config = EMPTY_IMAGE_CONFIG;
  if ('path' in source) {
    const path = resolve(source.path);
    const problem = regularFileProblem(path);
    if (problem !== undefined) throw new ValidationError('import of an image', [`path: ${problem}`]);
    return { kind: 'archive', origin: path, layers: [archiveLayer(path)], config };
  }
  if ('archive' in source) {
    const path = resolve(source.archive);
    const platform = `linux/${ownArch()}` as const;
    const image = await readImageArchive({ path, platform, reference: source.reference, signal });
    return { kind: 'archive', origin: path, layers: image.layers, config: image.config };
  }
  if ('folder' in source) {
    const folder = resolve(source.folder);
    requireFolder(folder);
    return { kind: 'folder', origin: folder, layers: [folderLayer(folder)], config };
  }
  const choice = { engine: source.engineName, env: services.userEnv };
  const onOutput = (output: string): void => {
    tell({ step: 'build', output });
  };
  const image = await exportEngineImage(choice, source.engine, undo, { signal, onOutput });
  return { kind: 'engine', origin: source.engine, ...image };
}

function requireFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new ValidationError('image', [`folder: there is no folder ${escapeText(path)}`]);
}
