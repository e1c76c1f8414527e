import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Stats } from 'node:fs';
import { errnoOf, SmolVMError, toSmolVMError, ValidationError } from '../../errors.ts';
import { guestTarget, parseGuestPath } from './file-arguments.ts';
import type { FileOptions } from './guest-files.ts';
import type { Connect } from './run-tool.ts';
import { receiveFromGuest, sendTree } from './transfer.ts';

/** What copies between host and guest take. */
export interface CopyOptions extends FileOptions {
  /** Make missing folders above the target. Default true. */
  readonly makeDirs?: boolean | undefined;
}

/** What a download takes besides. */
export interface DownloadOptions extends CopyOptions {
  /** Bytes of file contents at most: a guest can send without end. Default 16 GiB. */
  readonly maxBytes?: number | undefined;
}

const DEFAULT_DOWNLOAD_BYTES = 16 * 2 ** 30;

/** Which of the two a caller wants to copy. */
type Kind = 'file' | 'folder';

/** Host → guest; returns the guest path that it has now. */
export async function upload(
  connect: Connect,
  paths: { readonly localPath: string; readonly guestPath: string; readonly kind: Kind },
  options: CopyOptions,
): Promise<string> {
  const localPath = resolve(paths.localPath);
  const target = guestTarget(paths.guestPath, basename(localPath));
  requireKind(await statLocal(localPath), paths.kind, paths.localPath);
  const { user, signal, makeDirs = true } = options;
  const flags = `${paths.kind === 'folder' ? 'm' : ''}${makeDirs ? 'p' : ''}`;
  // What is asked for is followed if it is a symlink; what is below a folder is sent as it is.
  const source = await realpath(localPath);
  await sendTree(connect, { localPath: source, guestPath: target, user, signal }, flags || '-');
  return target;
}

/** Guest → host; returns the host path that it has now. */
export async function download(
  connect: Connect,
  paths: { readonly localPath: string; readonly guestPath: string; readonly kind: Kind },
  options: DownloadOptions,
): Promise<string> {
  const guestPath = parseGuestPath(paths.guestPath);
  const target = await localTarget(paths.localPath, basename(guestPath), paths.kind);
  const { user, signal, makeDirs = true, maxBytes = DEFAULT_DOWNLOAD_BYTES } = options;
  if (makeDirs) await mkdir(dirname(target), { recursive: true });
  const expected = paths.kind === 'folder' ? 'directory' : 'file';
  await receiveFromGuest(
    connect,
    { localPath: target, guestPath, user, signal },
    { merge: paths.kind === 'folder', maxBytes, expected },
  );
  return target;
}

/** A folder, or a path that ends in a slash, takes the guest's name; folders are merged into the path itself. */
async function localTarget(localPath: string, guestName: string, kind: Kind): Promise<string> {
  const path = resolve(localPath);
  if (/[/\\]$/.test(localPath)) return join(path, guestName);
  if (kind === 'folder') return path;
  const existing = await stat(path).catch(() => undefined);
  return existing?.isDirectory() === true ? join(path, guestName) : path;
}

async function statLocal(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT')
      throw new ValidationError('local path', [`there is no ${path}`], { cause: error });
    throw toSmolVMError(error, `read ${path}`);
  }
}

function requireKind(stats: Stats, kind: Kind, path: string): void {
  if (kind === 'folder' ? stats.isDirectory() : stats.isFile()) return;
  const hint = kind === 'file' && stats.isDirectory() ? 'Use uploadFolder for folders.' : undefined;
  throw new SmolVMError('INVALID_ARGUMENT', `${path} is not a ${kind}`, { hint });
}
