import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type * as v from 'valibot';
import { escapeText } from '../../base/escape-text.ts';
import { regularFileProblem } from '../../base/regular-file.ts';
import { ImageError, isSmolVMError, errnoOf, toSmolVMError } from '../../errors.ts';
import { ByteSource } from '../rootfs/tar/byte-source.ts';
import { readTar, type TarEntry } from '../rootfs/tar/read-tar.ts';
import { rootfsProblem } from './entries.ts';
import { parseJson } from './json-file.ts';
import {
  MANIFEST,
  RECORD,
  ROOTFS,
  savedManifestSchema,
  savedRecordSchema,
  type SavedManifest,
  type SavedRecord,
} from './saved-image.ts';
import { gunzipSparse, type Measured } from './sparse-gzip.ts';

/** Larger than the longest `image.json`. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/** A saved image whose file system was unpacked, all of it checked. */
export interface UnpackedImage {
  readonly record: SavedRecord;
  readonly rootfsSha256: string;
}

/**
 * Unpacks a saved image: its file system to `rootfsPath`, which the caller removes if this fails. No name in the archive
 * becomes one of the host. Everything is compared with the manifest, which comes first.
 *
 * @throws ImageError that says what is wrong with the archive
 */
export async function unpackSavedImage(
  path: string,
  rootfsPath: string,
  signal: AbortSignal,
  onBytes: (doneBytes: number) => void = () => undefined,
): Promise<UnpackedImage> {
  const problem = regularFileProblem(path);
  if (problem !== undefined) throw new ImageError(problem, { details: { path } });
  try {
    const source = createReadStream(path);
    let doneBytes = 0;
    source.on('data', (bytes) => {
      doneBytes += bytes.length;
      onBytes(doneBytes);
    });
    return await readMembers(source, rootfsPath, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (errnoOf(error) !== undefined || (isSmolVMError(error) && error.code !== 'IMAGE_INVALID'))
      throw toSmolVMError(error, `load ${path}`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImageError(`${escapeText(path)} is no sound archive of smolvm: ${reason}`, {
      hint: 'Copy it again, or save the image again where it came from.',
      details: { path },
      cause: error,
    });
  }
}

async function readMembers(
  source: Readable,
  rootfsPath: string,
  signal: AbortSignal,
): Promise<UnpackedImage> {
  const members = readTar(new ByteSource(source, signal));
  try {
    const manifest = await textOf(await nextOf(members, MANIFEST), savedManifestSchema, undefined);
    const [declaredRecord, declaredRootfs] = manifest.files;
    const record = await textOf(await nextOf(members, RECORD), savedRecordSchema, declaredRecord);
    const declared = { rootfs: manifest.rootfs, packed: declaredRootfs };
    await unpackRootfs(await nextOf(members, ROOTFS), rootfsPath, declared, signal);
    // Also reads to the end, where the archive may be cut off.
    const more = await members.next();
    if (more.done !== true)
      throw new ImageError(`it has ${shownName(more.value.name)}, which is not declared`);
    return { record, rootfsSha256: manifest.rootfs.sha256 };
  } finally {
    await members.return(undefined);
    source.destroy();
  }
}

/** The next member, which must be this one and a plain file: other names, folders and links are refused unread. */
async function nextOf(members: AsyncGenerator<TarEntry>, name: string): Promise<TarEntry> {
  const next = (await members.next()) as IteratorResult<TarEntry, undefined>;
  if (next.done === true) throw new ImageError(`${name} is missing`);
  const found = next.value;
  if (found.name !== name) throw new ImageError(`it has ${shownName(found.name)} where ${name} should be`);
  if (found.kind !== 'file') throw new ImageError(`${name} is no file in it, but a ${found.kind}`);
  return found;
}

/** A member that is JSON: within bounds, what was declared, and of the right shape. */
async function textOf<S extends v.GenericSchema>(
  { name, sizeBytes, body }: TarEntry,
  schema: S,
  declared: Measured | undefined,
): Promise<v.InferOutput<S>> {
  if (sizeBytes > MAX_TEXT_BYTES) throw new ImageError(`${name} is too large`);
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  if (declared !== undefined)
    requireEqual(name, { sizeBytes: bytes.length, sha256: sha256Of(bytes) }, declared);
  const parsed = parseJson(bytes.toString('utf8'), schema, name);
  if (parsed.isGood) return parsed.value;
  throw new ImageError(parsed.problem);
}

async function unpackRootfs(
  { sizeBytes, body }: TarEntry,
  path: string,
  { rootfs, packed }: Pick<SavedManifest, 'rootfs'> & { readonly packed: Measured },
  signal: AbortSignal,
): Promise<void> {
  if (sizeBytes !== packed.sizeBytes)
    throw new ImageError(`${ROOTFS} has ${String(sizeBytes)} bytes, not ${String(packed.sizeBytes)}`);
  const hash = createHash('sha256');
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const bytes of body) {
      hash.update(bytes);
      yield bytes;
    }
  }
  const handle = await open(path, 'wx', 0o600);
  try {
    const compressed = Readable.from(hashed(), { objectMode: false });
    const contents = await gunzipSparse(compressed, handle, rootfs.sizeBytes, signal);
    requireEqual(ROOTFS, { sizeBytes, sha256: hash.digest('hex') }, packed);
    requireEqual('the file system', contents, rootfs);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const problem = rootfsProblem(path, rootfs.sizeBytes);
  if (problem !== undefined) throw new ImageError('what it unpacks to is no ext4 file system');
}

function requireEqual(what: string, found: Measured, declared: Measured): void {
  if (found.sizeBytes !== declared.sizeBytes)
    throw new ImageError(`${what} has ${String(found.sizeBytes)} bytes, not ${String(declared.sizeBytes)}`);
  if (found.sha256 !== declared.sha256)
    throw new ImageError(`${what} has the sha256 ${found.sha256}, not ${declared.sha256}`);
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function shownName(name: string): string {
  return `'${escapeText(name.slice(0, 200))}'`;
}
