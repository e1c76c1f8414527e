import * as v from 'valibot';
import { ImageError } from '../../errors.ts';
import { shown } from '../../spec/parse.ts';
import { ArchiveIndex, unusable, type ArchiveFile } from './archive-index.ts';
import { parseOciConfig } from './config.ts';
import { splitDigest } from './digest.ts';
import { checked, parseImageDocument, parseJson, type Descriptor, type ImageManifest } from './documents.ts';
import { DEFAULT_MAX_UNPACKED_BYTES, pairLayers, type LocalImage } from './image-source.ts';
import { openLayer } from './open-layer.ts';
import { choosePlatform, parsePlatform, requirePlatform, type ImagePlatform } from './platform.ts';

/** An archive to read an image from. */
export interface ArchiveRequest {
  readonly path: string;
  readonly platform: ImagePlatform;
  /** Which image, where the archive has several: its name as the archive has it. */
  readonly reference?: string | undefined;
  readonly signal: AbortSignal;
  /** The most that one layer may unpack to, in bytes. Default 256 GiB. */
  readonly maxUnpackedBytes?: number | undefined;
}

const MAX_IMAGES = 1_024;
const MAX_DEPTH = 4;
/** How many names a message tells. */
const MAX_SHOWN = 16;

const fileName = v.pipe(v.string('expected a file name'), v.maxLength(4_096, 'expected a shorter name'));
/** `manifest.json` of `docker save`. */
const saveSchema = v.pipe(
  v.array(
    v.object({
      Config: fileName,
      RepoTags: v.nullish(v.array(fileName), []),
      Layers: v.pipe(v.array(fileName), v.maxLength(512, 'expected at most 512 layers')),
    }),
    'expected a list of images',
  ),
  v.maxLength(MAX_IMAGES, `expected at most ${String(MAX_IMAGES)} images`),
);

/** What both kinds of archive come down to. */
interface FoundImage {
  readonly reference: string | undefined;
  readonly digest: string;
  readonly resolvedDigest: string;
  readonly config: ArchiveFile;
  readonly layers: readonly { readonly name: string; readonly file: ArchiveFile }[];
}

/**
 * An image from a file that `docker save`, podman or buildah has written: a tar archive with an OCI layout in it
 * (`index.json`) or with the older `manifest.json`. The archive is not unpacked; its layers are read where they are.
 *
 * @throws `IMAGE_INVALID` for what is no such archive, or is damaged
 * @example
 * ```ts
 * const image = await readImageArchive({ path: 'alpine.tar', platform: 'linux/amd64', signal });
 * ```
 */
export async function readImageArchive(request: ArchiveRequest): Promise<LocalImage> {
  const { path, signal, maxUnpackedBytes = DEFAULT_MAX_UNPACKED_BYTES } = request;
  const platform = parsePlatform(request.platform);
  const archive = await ArchiveIndex.read(path, signal);
  const found = (await fromLayout(archive, request)) ?? (await fromSave(archive, request));
  if (found === undefined) throw unusable(path, 'it has neither index.json nor manifest.json');
  const what = `the image in ${path}`;
  const config = parseOciConfig(await archive.bytes(found.config, 'its configuration'), what);
  requirePlatform(config.platform, platform, what);
  const layers = pairLayers(found.layers, config, what).map(({ layer: { name, file }, diffId }) => {
    const { offset, sizeBytes } = file;
    const source = { name, path, offset, sizeBytes, diffId, maxUnpackedBytes };
    return { name, open: (inner: AbortSignal) => openLayer(source, inner) };
  });
  return {
    reference: found.reference ?? path,
    digest: found.digest,
    resolvedDigest: found.resolvedDigest,
    config: config.image,
    layers,
    created: config.created,
    sizeBytes: found.layers.reduce((total, { file }) => total + file.sizeBytes, 0),
    fromCache: true,
  };
}

/** An OCI image layout 1.1: `index.json` names manifests, and these name blobs. */
async function fromLayout(archive: ArchiveIndex, request: ArchiveRequest): Promise<FoundImage | undefined> {
  const index = archive.find('index.json');
  if (index === undefined) return undefined;
  const what = `index.json of ${archive.path}`;
  const document = parseImageDocument(await archive.bytes(index, 'index.json'), what);
  if (document.kind !== 'index') throw unusable(archive.path, 'index.json is no index');
  const images = document.manifests.map((entry) => ({ names: namesOf(entry), entry }));
  const chosen = chooseNamed(images, request);
  const entries = chosen.map(({ entry }) => entry);
  const { manifest, digest } = await descend(archive, entries, request.platform);
  return {
    reference: chosen[0]?.names[0],
    digest,
    resolvedDigest: entries.length === 1 ? (entries[0]?.digest ?? digest) : digest,
    config: blobFile(archive, manifest.config),
    layers: manifest.layers.map((layer) => ({ name: layer.digest, file: blobFile(archive, layer) })),
  };
}

/** Follows indexes to the manifest for the platform. */
async function descend(
  archive: ArchiveIndex,
  from: readonly Descriptor[],
  platform: ImagePlatform,
): Promise<{ readonly manifest: ImageManifest; readonly digest: string }> {
  let entries = from;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    // What was saved for one platform only keeps the index of all.
    const present = entries.filter(({ digest }) => archive.find(blobPath(digest)) !== undefined);
    const chosen = choosePlatform(present.length > 0 ? present : entries, platform, archive.path);
    const what = `the manifest ${chosen.digest} in ${archive.path}`;
    const document = parseImageDocument(await archive.bytes(blobFile(archive, chosen), what), what);
    if (document.kind === 'manifest') return { manifest: document.manifest, digest: chosen.digest };
    entries = document.manifests;
  }
  throw unusable(archive.path, 'it has indexes of indexes, with no image to be found');
}

/** `docker save` before version 25: files by name, whose contents the configuration's digests tell. */
async function fromSave(archive: ArchiveIndex, request: ArchiveRequest): Promise<FoundImage | undefined> {
  const file = archive.find('manifest.json');
  if (file === undefined) return undefined;
  const what = `manifest.json of ${archive.path}`;
  const images = checked(saveSchema, parseJson(await archive.bytes(file, 'manifest.json'), what), what);
  const named = images.map((entry) => ({ names: entry.RepoTags, entry }));
  const [image] = chooseNamed(named, request);
  if (image === undefined) throw unusable(archive.path, 'it has no image');
  const config = archive.need(image.entry.Config);
  const hex = /([0-9a-f]{64})(?:\.json)?$/.exec(image.entry.Config)?.[1];
  if (hex !== undefined && config.digest !== `sha256:${hex}`)
    throw unusable(archive.path, `${shown(image.entry.Config)} has other contents than its name says`);
  return {
    reference: image.names[0],
    digest: config.digest,
    resolvedDigest: config.digest,
    config,
    layers: image.entry.Layers.map((name) => ({ name, file: archive.need(name) })),
  };
}

/** Those of the name that is asked for, or all if they are one image. */
function chooseNamed<T extends { readonly names: readonly string[] }>(
  images: readonly T[],
  { path, reference }: ArchiveRequest,
): readonly T[] {
  const names = [...new Set(images.flatMap((image) => image.names))];
  const chosen = reference === undefined ? images : images.filter((image) => image.names.includes(reference));
  const isOne = new Set(chosen.map((image) => image.names[0])).size === 1;
  if (isOne) return chosen;
  const list = names.slice(0, MAX_SHOWN).map(shown).join(', ') || 'none with a name';
  throw new ImageError(
    chosen.length === 0
      ? `${path} has no image ${reference === undefined ? 'at all' : shown(reference)}: it has ${list}`
      : `${path} has several images: ${list}`,
    { hint: 'Name one of those that it has.', details: { path } },
  );
}

function namesOf({ annotations }: Descriptor): readonly string[] {
  const keys = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'];
  return keys.flatMap((key) => annotations[key] ?? []);
}

function blobPath(digest: string): string {
  const { algorithm, hex } = splitDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}

/** The file of a blob, whose digest was checked when the archive was read. */
function blobFile(archive: ArchiveIndex, { digest, size }: Descriptor): ArchiveFile {
  const file = archive.need(blobPath(digest));
  if (file.sizeBytes === size) return file;
  throw unusable(archive.path, `${digest} has ${String(file.sizeBytes)} bytes, not ${String(size)}`);
}
