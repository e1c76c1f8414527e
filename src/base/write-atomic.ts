import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toSmolVMError } from '../errors.ts';
import { Cleanup } from './cleanup.ts';

/** Bytes for a file that appears whole or not at all. `write` may leave holes. */
export interface AtomicFile {
  readonly path: string;
  /** Octal mode, such as 0o600. */
  readonly mode: number;
  /** False where losing the file in a power cut costs nothing (it is remade). Default true. */
  readonly durable?: boolean;
  readonly write: (file: FileWriter) => Promise<void>;
}

/** The few members of a file handle that writers use. */
export interface FileWriter {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<unknown>;
  truncate(sizeBytes: number): Promise<void>;
}

/** Writes a file: temporary name in the same folder → fsync → rename → fsync of the folder. */
export async function writeFileAtomic(file: AtomicFile): Promise<void> {
  const temporary = `${file.path}.${randomBytes(6).toString('hex')}.tmp`;
  const undo = new Cleanup();
  try {
    const handle = await open(temporary, 'wx', file.mode);
    undo.defer(`remove ${temporary}`, () => unlink(temporary));
    try {
      await file.write(handle);
      if (file.durable ?? true) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file.path);
    undo.keep();
    if (file.durable ?? true) await syncFolder(dirname(file.path));
  } catch (error) {
    await undo.run();
    throw toSmolVMError(error, `write ${file.path}`);
  }
}

/** Writes all of `bytes` to the file at `position`. */
export async function writeAll(file: FileWriter, bytes: Uint8Array, position: number): Promise<void> {
  // FileHandle.write may write less than asked; its result says how much.
  for (let done = 0; done < bytes.length;) {
    const result = (await file.write(bytes, done, bytes.length - done, position + done)) as {
      bytesWritten: number;
    };
    done += result.bytesWritten;
  }
}

/** Makes renames and new names in the folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
