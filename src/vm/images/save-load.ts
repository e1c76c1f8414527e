import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Deadline } from '../../base/deadline.ts';
import { ImageError, SmolVMError } from '../../errors.ts';
import { imageKey } from '../../image/store/image-key.ts';
import { ownName, shortName } from '../../image/store/image-name.ts';
import { unpackSavedImage, type UnpackedImage } from '../../image/store/load-image.ts';
import { makeEntry } from '../../image/store/make-entry.ts';
import { making } from '../../image/store/makers.ts';
import { readName } from '../../image/store/names.ts';
import { saveImage } from '../../image/store/save-image.ts';
import type { Services } from '../services.ts';
import type { ImageOptions } from './image-options.ts';
import { imageStore, makeHow, ownArch } from './store-context.ts';
import { findImage, nameImage, type NamedImage } from './stored-image.ts';

/** What was saved. */
export interface SavedImage {
  readonly name: string;
  readonly path: string;
  /** Of the archive. */
  readonly sizeBytes: number;
}

/** Writes an image into one file. */
export async function saveNamedImage(
  services: Services,
  name: unknown,
  file: string,
  { overwrite, signal, onProgress }: ImageOptions & { readonly overwrite: boolean },
): Promise<SavedImage> {
  const store = imageStore(services);
  const image = findImage(store, name);
  const path = resolve(file);
  using deadline = new Deadline(`save the image '${shortName(image.name)}'`, Infinity, signal);
  const { tell } = makeHow(services, deadline.signal, onProgress);
  const totalBytes = image.entry.record.sizeBytes;
  const { sizeBytes } = await saveImage({
    ...image,
    path,
    overwrite,
    signal: deadline.signal,
    onBytes: (doneBytes) => {
      tell({ step: 'save', doneBytes, totalBytes });
    },
  });
  return Object.freeze({ name: shortName(image.name), path, sizeBytes });
}

/** Makes an image of a file that {@link saveNamedImage} wrote. Its name is the one that it had, unless another is given. */
export async function loadNamedImage(
  services: Services,
  file: string,
  options: ImageOptions & { readonly name?: string | undefined; readonly overwrite: boolean },
): Promise<NamedImage> {
  const path = resolve(file);
  const wanted = options.name === undefined ? undefined : ownName(options.name);
  using deadline = new Deadline(`load the image in ${path}`, Infinity, options.signal);
  const how = makeHow(services, deadline.signal, options.onProgress);
  const refuseTaken = (name: string): void => {
    if (!options.overwrite && readName(how.store, name) !== undefined) throw taken(name);
  };
  if (wanted !== undefined) refuseTaken(wanted);
  const totalBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return await making(how.store, deadline.signal, async () => {
    let name = wanted ?? '';
    const entry = await makeEntry(how, async (rootfsPath) => {
      const unpacked = await unpackSavedImage(path, rootfsPath, how.signal, (doneBytes) => {
        how.tell({ step: 'load', doneBytes, totalBytes });
      });
      name = wanted ?? nameIn(unpacked, path);
      refuseTaken(name);
      return recordOf(unpacked);
    });
    return nameImage(how.store, { name, entry }, null);
  });
}

/** Its key is made of its contents, and not of what the archive says of itself: nobody can pass for another image. */
function recordOf({ record, rootfsSha256 }: UnpackedImage) {
  const { source, arch, config, contentBytes, entryCount } = record;
  if (arch !== ownArch()) throw new ImageError(`the saved image is for ${arch}, this host is ${ownArch()}`);
  const digest = `sha256:${rootfsSha256}`;
  const key = imageKey({ digest, sizeMib: null, config });
  const saved = { kind: 'saved', origin: source.origin, digest } as const;
  return { key, source: saved, arch, config, contentBytes, entryCount, blobs: [] };
}

function nameIn({ record }: UnpackedImage, path: string): string {
  try {
    return ownName(record.name);
  } catch (error) {
    throw new ImageError(`the image in ${path} has no name that could be used here`, {
      hint: 'Give it one: smolvm image load --name NAME …',
      cause: error,
    });
  }
}

function taken(name: string): SmolVMError {
  const short = shortName(name);
  return new SmolVMError('INVALID_ARGUMENT', `there is an image '${short}' already`, {
    hint: 'Give it another name with --name, or let it replace that one with --force (overwrite: true).',
    details: { name: short },
  });
}
