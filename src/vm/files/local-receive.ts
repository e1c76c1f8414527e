import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, lutimes, mkdir, open, rename, rm, symlink, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, SmolVMError, toSmolVMError } from '../../errors.ts';
import { malformed } from '../../guest/agent/tools/chunk-reader.ts';
import type { TreeReader, TreeRecord } from '../../guest/agent/tools/tree-stream.ts';
import { mergeInto } from './local-merge.ts';

/** Set-user-id and its like are not taken from a guest. */
const MODE_MASK = 0o777;

export interface ReceiveOptions {
  /** An existing folder takes the new entries beside its own. */
  readonly merge: boolean;
  /** Bytes of file contents at most; a guest can send without end. */
  readonly maxBytes: number;
  /** What the caller wants; a symlink to it does not count. */
  readonly expected: 'file' | 'directory';
}

/**
 * Writes a tree of the guest to a path of this host. It is built beside the destination, in a folder that nobody else
 * can enter, and put in place when it is whole: on any failure nothing is there. Symlinks are made last, so that nothing
 * is ever written through one.
 */
export async function receiveTree(
  tree: TreeReader,
  destination: string,
  options: ReceiveOptions,
): Promise<void> {
  const workshop = `${dirname(destination)}/.smolvm-${randomBytes(8).toString('hex')}`;
  await mkdir(workshop, { mode: 0o700 }).catch((error: unknown) => {
    throw toSmolVMError(error, `write to ${dirname(destination)}`);
  });
  try {
    const built = `${workshop}/tree`;
    const root = await build(tree, Buffer.from(built), options);
    const way = await place(built, destination, root.kind, options.merge);
    // Last: a folder that may not be written to could not be moved.
    if (way === 'moved' && root.kind === 'directory') await finish(Buffer.from(destination), root);
  } catch (error) {
    throw toSmolVMError(error, `write ${destination}`);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function build(
  tree: TreeReader,
  rootPath: Buffer,
  { maxBytes, expected }: ReceiveOptions,
): Promise<TreeRecord> {
  const root = await tree.next();
  if (root === undefined) throw malformed('a tree without a root');
  if (root.kind !== expected) {
    throw new SmolVMError('INVALID_ARGUMENT', `the guest path is a ${root.kind}, not a ${expected}`, {
      hint: root.kind === 'directory' ? 'Use downloadFolder for folders.' : undefined,
    });
  }
  const last: { readonly path: Buffer; readonly record: TreeRecord }[] = [];
  const room = { bytes: maxBytes };
  await writeEntry(tree, rootPath, root, room);
  for (let record = await tree.next(); record !== undefined; record = await tree.next()) {
    if (root.kind !== 'directory') throw malformed('entries below what is no folder');
    const path = Buffer.concat([rootPath, Buffer.from('/'), record.path]);
    await writeEntry(tree, path, record, room);
    if (record.kind !== 'file') last.push({ path, record });
  }
  // Children before parents: a folder may be one that nothing can be made in.
  for (const { path, record } of last.toReversed()) await finish(path, record);
  return root;
}

/** All but symlinks, and the final modes and times of folders. */
async function writeEntry(
  tree: TreeReader,
  path: Buffer,
  record: TreeRecord,
  room: { bytes: number },
): Promise<void> {
  if (record.kind === 'directory') await makeEntry(() => mkdir(path, { mode: 0o700 }));
  if (record.kind !== 'file') return;
  room.bytes -= record.sizeBytes;
  if (room.bytes < 0) throw tooLarge();
  await writeFile(tree, path, record);
}

async function writeFile(
  tree: TreeReader,
  path: Buffer,
  record: TreeRecord & { readonly kind: 'file' },
): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await makeEntry(() => open(path, flags, 0o600));
  try {
    for await (const { offset, bytes } of tree.pieces(record.sizeBytes)) {
      for (let at = 0; at < bytes.length;)
        at += (await file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
    }
    await file.truncate(record.sizeBytes);
    await file.chmod(record.mode & MODE_MASK);
    await file.utimes(record.modifiedAtMs / 1000, record.modifiedAtMs / 1000);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function finish(path: Buffer, record: TreeRecord): Promise<void> {
  const time = record.modifiedAtMs / 1000;
  if (record.kind === 'symlink') {
    await makeEntry(() => symlink(record.target, path));
    await lutimes(path, time, time);
  } else if (record.kind === 'directory') {
    await chmod(path, record.mode & MODE_MASK);
    await utimes(path, time, time);
  }
}

/** In a folder of ours only the stream itself can be in the way of the stream. */
async function makeEntry<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST' || errno === 'ENOENT' || errno === 'ENOTDIR')
      throw malformed('an entry twice, or without its folder');
    throw error;
  }
}

async function place(
  built: string,
  destination: string,
  kind: TreeRecord['kind'],
  merge: boolean,
): Promise<'moved' | 'merged'> {
  const existing = await lstat(destination).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (existing === undefined || (kind !== 'directory' && !existing.isDirectory())) {
    await rename(built, destination);
    return 'moved';
  }
  if (kind === 'directory' && existing.isDirectory() && merge) {
    await mergeInto(built, destination);
    return 'merged';
  }
  throw new SmolVMError(
    'INVALID_ARGUMENT',
    `${destination} exists already${existing.isDirectory() ? ' and is a folder' : ''}`,
    {
      hint: 'Remove it first, or choose another path.',
    },
  );
}

function tooLarge(): SmolVMError {
  return new SmolVMError('INVALID_ARGUMENT', 'the guest sends more bytes than maxBytes allows', {
    hint: 'Raise maxBytes if that is what you expect.',
  });
}
