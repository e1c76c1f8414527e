import { constants, fstatSync, openSync, closeSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf, toSmolVMError } from '../errors.ts';
import { writeAll } from '../base/write-atomic.ts';
import { grownFields, parseQcow2Header } from './qcow2-header.ts';

/** What an overlay's own header says, or why it cannot be used. */
export type OverlayState =
  | { readonly isSound: true; readonly sizeBytes: number }
  | { readonly isSound: false; readonly problem: string };

/** Looks at the header of an overlay. A guest wrote to the disk, but never to its header. */
export function inspectOverlay(path: string): OverlayState {
  try {
    const { header, isFile, fileBytes } = readHeader(path);
    if (!isFile) return { isSound: false, problem: `${path} is not a regular file` };
    const parsed = parseQcow2Header(header, fileBytes);
    return parsed.problem === undefined
      ? { isSound: true, sizeBytes: parsed.sizeBytes }
      : { isSound: false, problem: `${path} ${parsed.problem}` };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP')
      return { isSound: false, problem: `there is no disk ${path}` };
    throw toSmolVMError(error, `look at the disk ${path}`);
  }
}

/** Makes the virtual disk of a sound overlay larger; what is new reads as zeros. Never makes one smaller. */
export async function growOverlay(path: string, sizeBytes: number): Promise<void> {
  try {
    await using handle = await open(path, 'r+');
    const header = Buffer.alloc(HEADER_BYTES);
    await handle.read(header, 0, HEADER_BYTES, 0);
    const { position, bytes } = grownFields(header, sizeBytes);
    // Within one sector: a disk writes it whole or not at all.
    await writeAll(handle, bytes, position);
    await handle.sync();
  } catch (error) {
    throw toSmolVMError(error, `grow the disk ${path}`);
  }
}

const HEADER_BYTES = 104;

function readHeader(path: string): {
  readonly header: Buffer;
  readonly isFile: boolean;
  readonly fileBytes: number;
} {
  // What lies there must be the disk that we made: no link, and no pipe whose opening would wait.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    const header = Buffer.alloc(HEADER_BYTES);
    if (stats.isFile()) readSync(descriptor, header, 0, HEADER_BYTES, 0);
    return { header, isFile: stats.isFile(), fileBytes: stats.size };
  } finally {
    closeSync(descriptor);
  }
}
