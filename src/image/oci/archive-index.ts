import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { pipeline } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { ImageError, errnoOf, toSmolVMError } from '../../errors.ts';
import { shown } from '../../spec/parse.ts';
import { MAX_DOCUMENT_BYTES } from './documents.ts';
import { DigestCheck, isDigest } from './digest.ts';

/** One file in an archive. */
export interface ArchiveFile {
  /** Where its contents begin, in bytes. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** With sha256, unless the file's name is a digest of another kind. */
  readonly digest: string;
}

interface Entry extends AsyncIterable<unknown> {
  readonly header: Header;
}

/** An image with 512 layers has fewer than 2,000 files, in its oldest form. */
const MAX_ENTRIES = 16_384;
const MAX_NAME_CHARS = 4_096;
/** Links in old archives name another layer at once; none need more than this. */
const MAX_LINKS = 4;

/**
 * The files of a tar archive by name, read once from beginning to end without writing any of them. Files below `blobs/`
 * are what their names say.
 */
export class ArchiveIndex {
  readonly path: string;
  readonly #files: ReadonlyMap<string, ArchiveFile>;
  readonly #links: ReadonlyMap<string, string>;

  private constructor(
    path: string,
    files: ReadonlyMap<string, ArchiveFile>,
    links: ReadonlyMap<string, string>,
  ) {
    this.path = path;
    this.#files = files;
    this.#links = links;
  }

  static async read(path: string, signal: AbortSignal): Promise<ArchiveIndex> {
    const files = new Map<string, ArchiveFile>();
    const links = new Map<string, string>();
    const archive = extract();
    // Errors of the file are those of the archive, which is read.
    pipeline(createReadStream(path, { signal }), archive, () => undefined);
    let entries = 0;
    try {
      for await (const entry of archive) {
        entries += 1;
        if (entries > MAX_ENTRIES) throw unusable(path, `it has more than ${String(MAX_ENTRIES)} files`);
        await takeEntry(path, entry, files, links);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (errnoOf(error) !== undefined) throw toSmolVMError(error, `read ${path}`);
      throw error instanceof ImageError ? error : unusable(path, 'it is no whole tar archive', error);
    }
    return new ArchiveIndex(path, files, links);
  }

  /** The file of this name. Links lead within the archive, if anywhere. */
  find(name: string): ArchiveFile | undefined {
    let found = posix.normalize(name);
    for (let links = 0; links < MAX_LINKS; links += 1) {
      const target = this.#links.get(found);
      if (target === undefined) break;
      found = target;
    }
    return this.#files.get(found);
  }

  /** The file of this name, which must be there. */
  need(name: string): ArchiveFile {
    const file = this.find(name);
    if (file === undefined) throw unusable(this.path, `it lacks ${shown(name)}`);
    return file;
  }

  /** The bytes of a small file. */
  async bytes({ offset, sizeBytes }: ArchiveFile, what: string): Promise<Buffer> {
    if (sizeBytes > MAX_DOCUMENT_BYTES) throw unusable(this.path, `${what} has ${String(sizeBytes)} bytes`);
    const handle = await open(this.path, 'r');
    try {
      const bytes = Buffer.alloc(sizeBytes);
      const { bytesRead } = await handle.read(bytes, 0, sizeBytes, offset);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }
}

/** An archive that is none of an image. */
export function unusable(path: string, reason: string, cause?: unknown): ImageError {
  return new ImageError(`${path} cannot be used as an image: ${reason}`, {
    hint: 'Expected is a tar archive as `docker save` or `buildah push … oci-archive:…` writes it, not compressed.',
    details: { path },
    cause,
  });
}

async function takeEntry(
  path: string,
  entry: Entry,
  files: Map<string, ArchiveFile>,
  links: Map<string, string>,
): Promise<void> {
  const { name: written, type, linkname, size } = entry.header;
  if (written.length > MAX_NAME_CHARS) throw unusable(path, 'it has a file with an endless name');
  const name = posix.normalize(written);
  const check = new DigestCheck(digestInName(name) ?? 'sha256:');
  for await (const chunk of entry as AsyncIterable<Buffer>) check.update(chunk);
  if (type === 'symlink') links.set(name, posix.join(posix.dirname(name), linkname));
  else if (type === 'link') links.set(name, posix.normalize(linkname));
  if (type !== 'file' && type !== 'contiguous-file') return;
  const digest = check.found();
  if (digest !== (digestInName(name) ?? digest))
    throw unusable(path, `${shown(name)} has other contents than its name says`);
  // Of two files with one name a reader must not see the one and a checker the other.
  if (files.has(name)) throw unusable(path, `it has ${shown(name)} twice`);
  files.set(name, { offset: offsetOf(entry.header), sizeBytes: size, digest });
}

/** `blobs/sha256/…` → its digest. */
function digestInName(name: string): string | undefined {
  const [, algorithm = '', hex = ''] = /^blobs\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}

/** tar-stream tells it, its types do not. */
function offsetOf(header: Header & { readonly byteOffset?: unknown }): number {
  if (typeof header.byteOffset !== 'number') throw new Error('tar-stream does not tell where a file begins');
  return header.byteOffset;
}
